"""Schemas of how people sign in: the outcome of a sign-in, sessions, and accounts of local users."""

from lgsp_gateway.api.schemas import NON_NEGATIVE_INTEGER, TEXT, TEXTS, TIME, Schema, list_schema, object_schema, ref

BOOLEAN: Schema = {"type": "boolean"}
PASSWORD: Schema = {**TEXT, "format": "password", "maxLength": 1024}
STATE: Schema = {**TEXT, "description": "what the ceremony began with, as it was sent"}


def account_schemas() -> dict[str, Schema]:
    """Return these schemas by name."""
    return {**_session_schemas(), **_sign_in_schemas(), **_own_account_schemas(), **_user_schemas()}


def _session_schemas() -> dict[str, Schema]:
    session = {"id": TEXT, "current": BOOLEAN, "agent": TEXT, "address": TEXT, "began": TIME, "expires": TIME}
    method = {"method": {"enum": ["issuer", "password", "passkey", "link", "token"]}}
    return {
        "SignInOutcome": object_schema(
            {},
            {
                "code": {**TEXT, "description": "the code of the problem"},
                "detail": {**TEXT, "description": "what went wrong, and what to do"},
                "account": {**TEXT, "description": "the code of the account, where it is not registered yet"},
            },
        ),
        "SignedOut": object_schema(
            {}, {"atIssuer": {**TEXT, "description": "the address at which the person signs out at their issuer too"}}
        ),
        "Session": object_schema({**session, **method}),
        "SessionList": list_schema(ref("Session")),
    }


def _sign_in_schemas() -> dict[str, Schema]:
    credential: Schema = {
        "type": "object",
        "additionalProperties": True,
        "description": "a PublicKeyCredential of the browser, as JSON",
    }
    return {
        "PasswordSignIn": object_schema(
            {"user": TEXT, "password": PASSWORD},
            {"code": {**TEXT, "description": "of the authenticator, or a recovery code"}},
        ),
        "PasskeyCeremony": object_schema({"options": {"type": "object"}, "state": STATE}),
        "PasskeySignIn": object_schema({"state": STATE, "credential": credential}),
        "PasswordLink": object_schema({"user": TEXT, "link": TEXT, "password": PASSWORD}),
        "OneTimeLink": object_schema({"link": TEXT}),
        "LocalAccountCode": object_schema(
            {"account": TEXT, "registered": {**BOOLEAN, "description": "a person has this account, and may sign in"}}
        ),
        "NewPasskey": object_schema({"state": STATE, "credential": credential}, {"name": TEXT}),
    }


def _own_account_schemas() -> dict[str, Schema]:
    passkey = object_schema({"id": TEXT, "name": TEXT, "made": TIME})
    return {
        "OwnAccount": object_schema(
            {
                "user": TEXT,
                "authenticator": BOOLEAN,
                "recoveryCodes": NON_NEGATIVE_INTEGER,
                "passkeys": {"type": "array", "items": passkey},
            }
        ),
        "PasswordChange": object_schema({"password": PASSWORD, "newPassword": PASSWORD}),
        "PasswordAgain": object_schema({"password": PASSWORD}),
        "NewAuthenticator": object_schema(
            {"secret": TEXT, "picture": {**TEXT, "description": "a QR code as a data URI"}, "state": STATE}
        ),
        "AuthenticatorCode": object_schema({"state": STATE, "code": TEXT}),
        "RecoveryCodes": object_schema({"codes": TEXTS}),
        "PasskeyRemoval": object_schema({"id": TEXT, "password": PASSWORD}),
    }


def _user_schemas() -> dict[str, Schema]:
    return {
        "LocalUserName": object_schema({"user": TEXT}),
        "LocalUserList": list_schema(object_schema({"user": TEXT})),
        "NewLocalUser": object_schema(
            {
                "user": TEXT,
                "account": {**TEXT, "description": "the code of the account, to register its person"},
                "link": {**TEXT, "description": "opens the page on which the user chooses a password, once"},
                "expires": TIME,
            }
        ),
    }
