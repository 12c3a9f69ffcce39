"""The three national databases, which look nothing alike: SOAP, REST with two headers, REST with tokens in the query."""
