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
	blocks, total := float64(len(j.Without)), int64(0)
	for _, size := range j.Sizes {
		total += size
	}
	if len(j.Without) < 2 {
		return math.NaN()
	}
	center := blocks * j.Whole
	for i, without := range j.Without {
		center -= (1 - float64(j.Sizes[i])/float64(total)) * without
	}
	sum := 0.0
	for i, without := range j.Without {
		h := float64(total) / float64(j.Sizes[i])
		pseudo := h*j.Whole - (h-1)*without
		sum += (pseudo - center) * (pseudo - center) / (h - 1)
	}
	return sum / blocks
}

// Estimate returns the value with an interval by Student's t over the blocks;
// without bounds where there is no spread or fewer than two blocks.
func (j *Jackknife) Estimate(confidence float64) Estimate {
	n := int64(len(j.Without))
	e := Estimate{Estimate: j.Whole, Low: math.Inf(-1), High: math.Inf(1), Confidence: confidence, Method: "jackknife, t over blocks", N: n}
	variance := j.Variance()
	if !(variance > 0) || math.IsInf(variance, 0) {
		e.Method = "no interval: no spread between blocks"
		return e
	}
	half := StudentT(n, confidence) * math.Sqrt(variance)
	e.Low, e.High = j.Whole-half, j.Whole+half
	return e
}
