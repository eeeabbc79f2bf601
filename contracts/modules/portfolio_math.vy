# pragma version 0.4.3
"""
@title  Portfolio risk arithmetic
@license MIT
@notice R = |W^T n| of exposures n under a covariance factor W, and the least reduction of risk that restores initial
        margin: contracts/SPEC.md §3.4, §3.5.
@dev    A row of W is one word: entry j, int32 scaled 10**8, in bits 32 j ... 32 j + 31. v = W^T n and z (what v
        loses per USD reduced) have 8 numbers: v in USD WAD, z as a fraction WAD.
"""

from contracts.modules import fixed_point


WAD: constant(uint256) = fixed_point.WAD
ENTRY_SCALE: constant(uint256) = 10**8  # of the entries of the covariance factor
MILLION: constant(uint256) = 10**6


@internal
@pure
def pack_row(row: int256[8]) -> uint256:
    """
    @notice A row of entries that fit 32 bits as one word.
    """
    word: uint256 = 0
    for j: uint256 in range(8):
        word |= convert(row[j] & (2**32 - 1), uint256) << (32 * j)
    return word


@internal
@pure
def unpack_row(word: uint256) -> int256[8]:
    """
    @notice Entries scaled 10**8.
    """
    row: int256[8] = empty(int256[8])
    for j: uint256 in range(8):
        row[j] = self._entry(word, j)
    return row


@internal
@pure
def _entry(word: uint256, j: uint256) -> int256:
    entry: int256 = convert((word >> (32 * j)) & (2**32 - 1), int256)
    return entry - 2**32 if entry >= 2**31 else entry


@internal
@pure
def add_exposure(v: int256[8], word: uint256, amount: int256) -> int256[8]:
    """
    @notice v + row * amount: v as a sum of entries (10**8) times amounts (USD WAD), exact.
    """
    if word == 0:
        return v
    total: int256[8] = v
    for j: uint256 in range(8):
        total[j] += self._entry(word, j) * amount
    return total


@internal
@pure
def scale_up(v: int256[8], numerator: uint256, denominator: uint256) -> int256[8]:
    """
    @notice v * numerator / denominator, each magnitude rounded up.
    """
    scaled: int256[8] = empty(int256[8])
    for j: uint256 in range(8):
        size: int256 = convert(
            fixed_point.mul_div_up(fixed_point.magnitude(v[j]), numerator, denominator), int256
        )
        scaled[j] = size if v[j] > 0 else -size
    return scaled


@internal
@pure
def between(before: uint256, after: uint256, part: uint256, whole: uint256) -> uint256:
    """
    @notice The row part/whole of the way from one to another, what each entry moves by rounded toward zero.
    @dev A straight line between factors: |W_t^T n| is convex in t, so no risk on the way is above that of both ends.
    """
    if part >= whole:
        return after
    row: int256[8] = self.unpack_row(before)
    end: int256[8] = self.unpack_row(after)
    for j: uint256 in range(8):
        row[j] += (end[j] - row[j]) * convert(part, int256) // convert(whole, int256)
    return self.pack_row(row)


@internal
@pure
def reach(before: uint256, after: uint256, part: uint256, least: uint256) -> uint256:
    """
    @notice Millionths of the way from a row to another that move it by `least`, or by its norm divided by `part`
            if that is more; rounded down, at most all.
    """
    row: int256[8] = self.unpack_row(before)
    move: int256[8] = self.unpack_row(after)
    for j: uint256 in range(8):
        move[j] -= row[j]
    step: uint256 = max(least, self.norm_down(row) // part)
    return min(MILLION, step * MILLION // max(self.norm_up(move), 1))


@internal
@pure
def dot(a: int256[8], b: int256[8]) -> int256:
    """
    @notice Sum of products.
    """
    total: int256 = 0
    for j: uint256 in range(8):
        total += a[j] * b[j]
    return total


@internal
@pure
def norm_up(v: int256[8]) -> uint256:
    """
    @notice |v|, rounded up.
    """
    square: uint256 = convert(self.dot(v, v), uint256)
    root: uint256 = fixed_point.sqrt_down(square)
    if root * root < square:
        root += 1
    return root


@internal
@pure
def norm_down(v: int256[8]) -> uint256:
    """
    @notice |v|, rounded down.
    """
    return fixed_point.sqrt_down(convert(self.dot(v, v), uint256))


@internal
@pure
def least_reduction(
    equity: int256, v: int256[8], z: int256[8], cost: int256, multiple: uint256, most: uint256
) -> uint256:
    """
    @notice Least x (USD WAD, at most `most`) with multiple |v - x z| <= equity - cost x; where no x does, the one
            that leaves the least risk. 0 when the rule holds as it is.
    @param equity E >= 0, USD WAD.
    @param cost Equity lost per USD reduced, WAD; negative: gained.
    @param multiple mu kappa, WAD.
    @dev x = C / (Bq + sqrt(Bq^2 - A C)) is the smaller root of A x^2 - 2 Bq x + C = 0, A = |m z|^2 - cost^2,
         Bq = m z . m v - cost E, C = |m v|^2 - E^2.
    """
    a: int256 = 0
    b: int256 = 0
    c: int256 = 0
    root: int256 = 0
    a, b, c, root = self._quadratic(equity, v, z, cost, multiple)
    if c <= 0:
        return 0
    if root >= 0 and b + root > 0:
        x: uint256 = fixed_point.mul_div_up(
            convert(c, uint256), WAD, convert(b + root, uint256)
        )
        if fixed_point.mul_div_ceil(cost, x, WAD) <= equity:
            return min(x, most)
    along: int256 = self.dot(z, v)
    square: int256 = self.dot(z, z)
    if along <= 0 or square == 0:
        return 0
    return min(
        fixed_point.mul_div_up(convert(along, uint256), WAD, convert(square, uint256)), most
    )


@internal
@pure
def greatest_reduction(
    equity: int256, v: int256[8], z: int256[8], cost: int256, multiple: uint256, most: uint256
) -> uint256:
    """
    @notice Greatest x with multiple |v - x z| <= equity - cost x, which x = 0 satisfies, less a millionth for rounding;
            `most` where there is none; 0 if it is no more than a millionth of `most`.
    @dev The root of the parabola of least_reduction that has C <= 0 at 0 and comes first above it.
    """
    a: int256 = 0
    b: int256 = 0
    c: int256 = 0
    root: int256 = 0
    a, b, c, root = self._quadratic(equity, v, z, cost, multiple)
    numerator: int256 = max(-c, 0)
    denominator: int256 = root - b
    if b > 0:
        numerator = root + b
        denominator = a
    if root < 0 or denominator <= 0:
        return most
    x: uint256 = fixed_point.mul_div_down(
        convert(numerator, uint256), WAD - WAD // MILLION, convert(denominator, uint256)
    )
    return x if x > most // MILLION else 0


@internal
@pure
def _quadratic(
    equity: int256, v: int256[8], z: int256[8], cost: int256, multiple: uint256
) -> (int256, int256, int256, int256):
    """
    @notice A, Bq, C of least_reduction, rounded down once to WAD, and sqrt(Bq^2 - A C); -1: not real.
    """
    risk: int256[8] = self.scale_up(v, multiple, WAD)
    slope: int256[8] = self.scale_up(z, multiple, WAD)
    a: int256 = self._shrink(self.dot(slope, slope) - cost * cost)
    b: int256 = self._shrink(self.dot(slope, risk) - cost * equity)
    c: int256 = self._shrink(self.dot(risk, risk) - equity * equity)
    square: int256 = b * b - a * c
    root: int256 = -1
    if square >= 0:
        root = convert(fixed_point.sqrt_down(convert(square, uint256)), int256)
    return a, b, c, root


@internal
@pure
def _shrink(x: int256) -> int256:
    return fixed_point.mul_div_floor(x, 1, WAD)
