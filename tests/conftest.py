"""What holds for every test."""

from hypothesis import settings

# Speed is measured by `hedgesim bench`: a first call may compile kernels or contracts.
settings.register_profile("hedgesim", deadline=None, print_blob=True)
settings.load_profile("hedgesim")
