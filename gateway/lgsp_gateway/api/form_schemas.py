"""The schemas of the forms for officers in the management API's description."""

from lgsp_gateway.api.schemas import NON_NEGATIVE_INTEGER, TEXT, TEXTS, TIME, Schema, list_schema, object_schema, ref


def form_schemas() -> dict[str, Schema]:
    """Return the schemas by name."""
    boolean: Schema = {"type": "boolean"}
    form = {
        **dict.fromkeys(("service", "operation", "classification"), TEXT),
        "major": NON_NEGATIVE_INTEGER,
        "title": ref("Text"),
        "serviceTitle": {**ref("Text"), "description": "the title of the service"},
        "provider": object_schema({"agency": TEXT, "title": ref("Text")}),
        "grants": {"type": "array", "items": ref("FormGrant")},
    }
    return {
        "FormGrant": object_schema(
            {
                "name": TEXT,
                "purposes": {**TEXTS, "description": "those among which the officer chooses"},
                "legalBasis": TEXT,
                "referenceRequired": {**boolean, "description": "whether the number of a dossier must be given"},
                "validUntil": TIME,
            }
        ),
        "Form": object_schema(form),
        "FormList": list_schema(ref("Form")),
        "FormDescription": object_schema(
            {
                **form,
                "request": {"type": "object", "description": "the JSON Schema of what is asked"},
                "response": {"type": "object", "description": "the JSON Schema of the answer"},
                "errors": {"type": "object", "additionalProperties": ref("Text"), "description": "titles by code"},
                "changes": {**boolean, "description": "whether it changes something; send an Idempotency-Key then"},
                "officer": object_schema(
                    {
                        **dict.fromkeys(("person", "agency", "formSystem"), TEXT),
                        "name": TEXT,
                        "agencyTitle": ref("Text"),
                    }
                ),
                "hasFiles": {**boolean, "description": "whether files can be in it"},
            },
            {"description": ref("Text")},
        ),
    }
