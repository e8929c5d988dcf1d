package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/plot/vg"

	"github.com/probesim/probesim/model/cpu"
	"github.com/probesim/probesim/sim"
)

// The lanes of the CPU: what the answers and the start get of it, and what keeps
// the process from it. They may overlap, since several answers can be under way.
const (
	laneRuns      = iota // an answer or the start has a CPU
	laneThrottled        // the quota keeps the container, or an answer, from the CPU
	laneStolen           // others have the CPU, or the process stands still
	laneWaits            // an answer is queued behind other work, or waits outside the CPU
	cpuLanes
)

// The words of the lanes, which are also the values in the CSV.
const (
	wordRuns        = "runs"
	wordThrottled   = "throttled"
	wordStolen      = "stolen"
	wordStandsStill = "stands still"
	wordQueued      = "queued"
	wordWaits       = "waits"
)

const (
	cpuHeight = vg.Length(10)
	cpuGap    = vg.Length(2)
)

// stall reads a stretch in which the whole process gets no CPU. What a busy
// neighbour takes is seen in the answers (C32).
func (r *laneReader) stall(e *sim.Event) {
	if e.Rule == "C32" {
		return
	}
	word := cpuWord(e.Text)
	lane := laneStolen
	if word == wordThrottled {
		lane = laneThrottled
	}
	r.cpu[lane] = r.cut(r.cpu[lane], e.At, e.End, word)
}

// work reads a stretch of an answer or of the start. While the process stands
// still the stall itself says so, by its name.
func (r *laneReader) work(e *sim.Event) {
	lane, word := laneRuns, wordRuns
	switch e.CPU {
	case cpu.Throttled:
		lane, word = laneThrottled, wordThrottled
	case cpu.Stolen:
		lane, word = laneStolen, wordStolen
	case cpu.Queued:
		lane, word = laneWaits, wordQueued
	case cpu.Waiting:
		lane, word = laneWaits, wordWaits
	case cpu.StandsStill:
		return
	}
	r.cpu[lane] = r.cut(r.cpu[lane], e.At, e.End, word)
}

// cpuWord sorts a stall by its text into the ways in which a process gets no
// CPU; others keep their name.
func cpuWord(text string) string {
	lower := strings.ToLower(text)
	switch {
	case text == "":
		return wordStandsStill
	case strings.Contains(lower, "throttl"):
		return wordThrottled
	case strings.Contains(lower, "steal"), strings.Contains(lower, "stolen"):
		return wordStolen
	}
	return text
}

// joined makes of stretches of one lane, of which several may overlap, ones that
// follow each other: equal ones are joined, and of others the earlier ones stay.
func joined(bands []band) []band {
	slices.SortStableFunc(bands, func(a, b band) int { return cmp.Compare(a.from, b.from) })
	var apart []band
	for _, b := range bands {
		if last := len(apart) - 1; last >= 0 && apart[last].to >= b.from {
			if apart[last].value == b.value {
				apart[last].to = max(apart[last].to, b.to)
				continue
			}
			b.from = apart[last].to
		}
		if b.from < b.to {
			apart = append(apart, b)
		}
	}
	return apart
}

// shownCPU returns the lanes of the CPU on which there is something to see.
func (l lanes) shownCPU() []int {
	var shown []int
	for lane, bands := range l.cpu {
		if l.total(bands) > (l.to-l.from)/1000 || lane == laneStolen && len(bands) > 0 {
			shown = append(shown, lane)
		}
	}
	return shown
}

func (l lanes) total(bands []band) time.Duration {
	var total time.Duration
	for _, b := range bands {
		total += b.to - b.from
	}
	return total
}

// shareOf returns the share of the time with a process that the stretches fill.
func (l lanes) shareOf(bands []band) float64 {
	running := l.total(l.running())
	if running == 0 {
		return 0
	}
	return min(float64(l.total(bands))/float64(running), 1)
}

// throttledShare returns the share of the running time in which the quota
// stopped the process.
func (l lanes) throttledShare() float64 { return l.shareOf(l.cpu[laneThrottled]) }

// cpuName names a lane after what is on it.
func cpuName(lane int, bands []band) string {
	switch lane {
	case laneRuns:
		return wordRuns
	case laneThrottled:
		return wordThrottled
	case laneStolen:
		return either(bands, wordStolen, wordStandsStill)
	}
	return either(bands, wordQueued, wordWaits)
}

// either names what is on a lane of stretches of a word and of others.
func either(bands []band, word, others string) string {
	isWord := func(b band) bool { return b.value == word }
	switch {
	case !slices.ContainsFunc(bands, isWord):
		return others
	case slices.ContainsFunc(bands, func(b band) bool { return !isWord(b) }):
		return word + ", " + others
	}
	return word
}

func (p *panel) cpuHeight() vg.Length {
	if n := len(p.lanes.shownCPU()); n > 0 {
		return vg.Length(n)*(cpuHeight+cpuGap) - cpuGap + laneGap
	}
	return 0
}

// cpu draws the lanes of the CPU, one below the other, each with its share of
// the time beside it: a short stretch that stands alone is drawn wider than it is.
func (p *panel) cpu() {
	shown := p.lanes.shownCPU()
	if len(shown) == 0 {
		return
	}
	p.name("CPU", p.y-cpuHeight/2, "")
	for _, lane := range shown {
		bands, bottom := p.lanes.cpu[lane], p.y-cpuHeight
		name := cpuName(lane, bands)
		if lane != laneWaits || name == wordWaits || name == wordQueued {
			p.key.written(name)
		}
		if lane == laneRuns {
			name = "start and probes" // the work of requests is not in a trace
		}
		if share := p.lanes.shareOf(bands); share >= .0005 {
			name += fmt.Sprintf(" %.2g %%", 100*share)
		}
		writeMiddle(p.canvas, smallText.in(black), p.left-5, (p.y+bottom)/2, right, name)
		for _, b := range p.lanes.running() {
			fillBox(p.canvas, paleGrey, p.x(b.from), bottom, p.x(b.to), p.y)
		}
		alone, crowded := p.apart(bands)
		p.crowd(crowded, p.y, bottom)
		p.bands(alone, p.y, bottom, false)
		p.y = bottom - cpuGap
	}
	p.y += cpuGap - laneGap
}

// leastApart is how far stretches have to begin from each other to be told
// apart.
const leastApart = vg.Length(1)

// apart splits the stretches of a lane into those that can be told apart and
// those that cannot: a throttled start is stopped ten times a second for minutes.
// A short stretch that stands alone can be seen.
func (p *panel) apart(bands []band) (alone, crowded []band) {
	for i, b := range bands {
		short := p.x(b.to)-p.x(b.from) < leastApart
		near := i > 0 && p.x(b.from)-p.x(bands[i-1].from) < leastApart ||
			i+1 < len(bands) && p.x(bands[i+1].from)-p.x(b.from) < leastApart
		if short && near && b.value == bands[0].value {
			crowded = append(crowded, b)
			continue
		}
		alone = append(alone, b)
	}
	return alone, crowded
}

// crowd draws stretches that cannot be told apart as the share of the time that
// they fill: as high as the share of the lane's height, column by column.
func (p *panel) crowd(bands []band, top, bottom vg.Length) {
	if len(bands) == 0 {
		return
	}
	const (
		around = 2  // columns to either side over which the share is taken
		piece  = 24 // columns that are told as one
		grain  = vg.Length(0.5)
	)
	shares := p.columnShares(bands, around)
	height := func(share float64) vg.Length {
		return max(1, vg.Length(math.Round(float64((top-bottom)/grain)*share))) * grain
	}
	fill := bandLook(bands[0].value).fill
	for i := 0; i < len(shares); {
		end := i + 1
		for end < len(shares) && (shares[end] > 0) == (shares[i] > 0) && height(shares[end]) == height(shares[i]) {
			end++
		}
		if shares[i] > 0 {
			fillBox(p.canvas, fill, p.left+vg.Length(i), bottom, p.left+vg.Length(end), bottom+height(shares[i]))
		}
		i = end
	}
	for i := 0; i < len(shares); {
		end, sum := i, 0.0
		for end < min(i+piece, len(shares)) && shares[end] > 0 {
			sum += shares[end]
			end++
		}
		if end > i {
			tell(p.canvas, p.left+vg.Length(i), bottom, p.left+vg.Length(end), top,
				fmt.Sprintf("%s %.2g %% of the time, from %s to %s", bands[0].value, 100*sum/float64(end-i), spellExactly(p.at(i)), spellExactly(p.at(end))))
		}
		i = max(end, i+1)
	}
}

// at returns the instant at which a column of a point begins, to a millisecond.
func (p *panel) at(column int) time.Duration {
	share := min(float64(column)/float64(p.right-p.left), 1)
	return (p.lanes.from + time.Duration(share*float64(p.lanes.to-p.lanes.from))).Round(time.Millisecond)
}

// columnShares returns for each column of a point the share of the time that
// stretches fill, taken over so many columns to either side; 0 where there is
// none.
func (p *panel) columnShares(bands []band, around int) []float64 {
	filled := make([]float64, int(math.Ceil(float64(p.right-p.left))))
	touched := make([]bool, len(filled))
	for _, b := range bands {
		from, to := float64(p.x(b.from)-p.left), float64(p.x(b.to)-p.left)
		for i := int(from); i < len(filled) && float64(i) < to; i++ {
			filled[i] += min(to, float64(i+1)) - max(from, float64(i))
			touched[i] = true
		}
	}
	shares := make([]float64, len(filled))
	for i := range filled {
		if !touched[i] {
			continue
		}
		columns := 0
		for j := max(i-around, 0); j <= min(i+around, len(filled)-1); j++ {
			if touched[j] {
				shares[i] += filled[j]
				columns++
			}
		}
		shares[i] = min(shares[i]/float64(columns), 1)
	}
	return shares
}
