package stats

import (
	"math/big"
	"math/bits"
)

// Wide is an unsigned integer of 256 bits, least significant word first. It
// holds any number of nanoseconds, and the sum of 2⁶⁴ products of three of them,
// exactly; so sums of them are the same in whatever order and grouping they
// are made (S9).
type Wide [4]uint64

// Add adds v.
func (w *Wide) Add(v Wide) {
	var carry uint64
	w[0], carry = bits.Add64(w[0], v[0], 0)
	w[1], carry = bits.Add64(w[1], v[1], carry)
	w[2], carry = bits.Add64(w[2], v[2], carry)
	w[3], _ = bits.Add64(w[3], v[3], carry)
}

// AddProduct adds a·b. Neither is below 0.
func (w *Wide) AddProduct(a, b int64) {
	high, low := bits.Mul64(uint64(a), uint64(b))
	w.Add(Wide{low, high})
}

// AddProduct3 adds a·b·c. None is below 0.
func (w *Wide) AddProduct3(a, b, c int64) {
	high, low := bits.Mul64(uint64(a), uint64(b))
	lowCarry, first := bits.Mul64(low, uint64(c))
	third, second := bits.Mul64(high, uint64(c))
	second, carry := bits.Add64(second, lowCarry, 0)
	w.Add(Wide{first, second, third + carry})
}

// Big returns the same number.
func (w Wide) Big() *big.Int {
	n := new(big.Int)
	for i := len(w) - 1; i >= 0; i-- {
		n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(w[i]))
	}
	return n
}

// Float returns the nearest float64.
func (w Wide) Float() float64 { return float(w.Big()) }

// float returns the nearest float64, which holds integers of 1023 bits.
func float(n *big.Int) float64 {
	f, _ := new(big.Float).SetInt(n).Float64()
	return f
}
