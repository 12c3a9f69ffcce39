"""What others sign of a checkpoint: witnesses' cosignatures, timestamps of an authority."""
