"""What could not be delivered: kept with its reason and its attempts until a person retries it or gives it up."""
