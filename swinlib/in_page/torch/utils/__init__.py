"""``torch.utils``: samplers, and what says that it is not here."""
