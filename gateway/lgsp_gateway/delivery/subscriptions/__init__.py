"""Who receives which events, how, from where on; and the delivery of events to them."""
