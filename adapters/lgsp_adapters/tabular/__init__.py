"""Reading the tables that offices write: text in their encodings, workbooks, XML; every cell as the text that its writer saw."""
