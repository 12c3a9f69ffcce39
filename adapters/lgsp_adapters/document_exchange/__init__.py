"""The exchange of e-documents of a province: answers for the service `documents`, and speaks to the national e-document axis.

No manifest can say this (docs/decisions/046): it keeps mailboxes, checks who sends for whom, takes edXML apart and puts it together.
"""
