"""What a local bus can be: the demonstration, and the bench that it is measured on."""
