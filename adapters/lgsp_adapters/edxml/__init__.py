"""edXML (QCVN 102:2016), the format of e-documents between agencies: read and written without loss, bounded, and searched for secrecy."""
