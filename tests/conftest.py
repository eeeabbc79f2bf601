"""What holds for every test."""

from hypothesis import settings

from tests.sizes import CAMPAIGN

# Speed is measured by `hedgesim bench`: a first call may compile kernels or contracts. `make test`
# draws the same examples every time, so that what fails is the change; `make campaign` more.
settings.register_profile("hedgesim", deadline=None, print_blob=True, derandomize=not CAMPAIGN)
settings.load_profile("hedgesim")
