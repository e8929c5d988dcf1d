package stats

import "math"

// Jackknife is an estimate of anything at all from blocks of replications: its
// value from all of them, and its values with one block left out. It serves
// where no formula gives the variance, as for the paired difference of two
// quantiles (S9, S14).
type Jackknife struct {
	Whole   float64
	Without []float64 // by the block left out
	Sizes   []int64   // replications in each block, at least 1
}

// Variance returns the variance of Whole by the delete-m_j jackknife, whose
// blocks need not be of one size (Busing, Meijer and van der Leeden, Statistics
// and Computing 9, 1999). NaN for fewer than two blocks.
func (j *Jackknife) Variance() float64 {
	if len(j.Without) < 2 {
		return math.NaN()
	}
	pseudo, center := j.pseudo()
	sum := 0.0
	for i, value := range pseudo {
		sum += (value - center) * (value - center) / (j.blocksOf(i) - 1)
	}
	return sum / float64(len(pseudo))
}

// Skewness returns the skewness of Whole: the third moment of what each block
// adds to it over the second's power of 3/2, without correction for so few
// blocks. 0 where there is no spread.
func (j *Jackknife) Skewness() float64 {
	pseudo, center := j.pseudo()
	second, third := 0.0, 0.0
	for i, value := range pseudo {
		adds := (value - center) / j.blocksOf(i)
		second += adds * adds
		third += adds * adds * adds
	}
	if !(second > 0) {
		return 0
	}
	return third / math.Pow(second, 1.5)
}

// pseudo returns the pseudo-values of the blocks, of which Whole is the mean to
// first order, and their center.
func (j *Jackknife) pseudo() (values []float64, center float64) {
	values = make([]float64, len(j.Without))
	for i, without := range j.Without {
		h := j.blocksOf(i)
		values[i] = h*j.Whole - (h-1)*without
		center += values[i] / h
	}
	return values, center
}

// blocksOf returns how many blocks as large as block i there would be.
func (j *Jackknife) blocksOf(i int) float64 {
	total := int64(0)
	for _, size := range j.Sizes {
		total += size
	}
	return float64(total) / float64(j.Sizes[i])
}

// Rounding returns the variance up to which values of such a size are alike but
// for rounding: a billionth of the greatest, squared.
func Rounding(values ...float64) float64 {
	greatest := 0.0
	for _, value := range values {
		greatest = math.Max(greatest, math.Abs(value))
	}
	return 1e-18 * greatest * greatest
}

// Estimate returns the value with an interval by Student's t over the blocks,
// its ends moved by Hall's transformation; without bounds where there is no
// spread or fewer than two blocks.
//
// The difference of two rates rests on the few events that only one of the two
// variants has. Their number is skewed, and where it comes out small so does
// their spread: plain intervals end too soon on the side of the larger
// differences, and nearly all misses are there. Hall's transformation takes the
// skewness out of the studentized value (S10).
func (j *Jackknife) Estimate(confidence float64) Estimate {
	n := int64(len(j.Without))
	e := Estimate{Estimate: j.Whole, Low: math.Inf(-1), High: math.Inf(1), Confidence: confidence, Method: "jackknife, Hall's t over blocks", N: n}
	variance := j.Variance()
	if !(variance > 0) || math.IsInf(variance, 0) {
		e.Method = "no interval: no spread between blocks"
		return e
	}
	spread, skewness, t := math.Sqrt(variance), j.Skewness(), StudentT(n, confidence)
	e.Low, e.High = j.Whole-spread*studentized(t, skewness), j.Whole-spread*studentized(-t, skewness)
	return e
}

// studentized returns the value of a studentized mean whose skewness is given at
// the quantile z of one without: the inverse of the cubic
// x + skewness·x²/3 + skewness²·x³/27 + skewness/6 (P. Hall, On the removal of
// skewness by transformation, JRSS B 54, 1992), which rises everywhere.
func studentized(z, skewness float64) float64 {
	if math.Abs(skewness) < 1e-6 { // the limit, before digits are lost
		return z
	}
	return 3 / skewness * (math.Cbrt(1+skewness*(z-skewness/6)) - 1)
}

// less returns the value that is so many times other's less.
func (j *Jackknife) less(times float64, other *Jackknife) Jackknife {
	d := Jackknife{Whole: j.Whole - times*other.Whole, Sizes: j.Sizes}
	for i, without := range j.Without {
		d.Without = append(d.Without, without-times*other.Without[i])
	}
	return d
}

// RatioTo returns the ratio of the value to that of other, both above 0, with
// the ratios r for which the value less r times the other's is not told from 0
// (Fieller, JRSS B 16, 1954). The interval has no end where the other's value is
// not told from 0 itself. ok is false where the ratio has no spread, or no value.
func (j *Jackknife) RatioTo(other *Jackknife, confidence float64) (e Estimate, ok bool) {
	e = Estimate{Estimate: j.Whole / other.Whole, Confidence: confidence, Method: "jackknife, Fieller by Hall's t over blocks", N: int64(len(j.Without))}
	if !(e.Estimate > 0) || math.IsInf(e.Estimate, 0) {
		return e, false
	}
	if d := j.less(e.Estimate, other); !(d.Variance() > Rounding(j.Whole)) || math.IsInf(d.Variance(), 0) {
		return e, false
	}
	told := func(ratio float64) bool {
		d := j.less(ratio, other)
		of := d.Estimate(confidence)
		return of.Low > 0 || of.High < 0
	}
	e.High = farthest(e.Estimate, math.Inf(1), told)
	e.Low = farthest(e.Estimate, 0, told)
	return e, true
}

// farthest returns how far one may go from a ratio towards an end before told
// holds: the end itself, if it never does.
func farthest(from, end float64, told func(ratio float64) bool) float64 {
	const (
		steps = 60 // doublings: beyond them a ratio is without bound
		halve = 40 // of a step: 12 digits
	)
	factor := 2.0
	if end < from {
		factor = .5
	}
	near, far := from, from*factor
	for i := 0; !told(far); i++ {
		if i == steps {
			return end
		}
		near, far = far, far*factor
	}
	for range halve {
		if middle := (near + far) / 2; told(middle) {
			far = middle
		} else {
			near = middle
		}
	}
	return far
}
