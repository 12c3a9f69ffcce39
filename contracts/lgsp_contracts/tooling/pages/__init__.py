"""What people read of a service: a page made from its contract alone, so that it cannot say anything else."""
