package cpu

import "time"

// Against busy neighbours of total weight W a container of weight w runs, on
// each CPU, from its start to the first tick at least one slice later, then
// owes the neighbours W/w times what it ran and waits for the tick at which
// they have had it (C16 to C19, C32):
//
//	tick      tick      tick      tick      tick      tick
//	|   ██████|.........|.........|.........|.........|██████
//	    start  the neighbours run W/w times as long     next turn
//
// What they are owed when the container falls asleep is repaid while it sleeps,
// so a probe that comes long after the last starts at once.

// share returns what the neighbours are owed for a run of the container.
func (c *Container) share(ran time.Duration) time.Duration {
	return time.Duration(float64(ran) * c.ratio())
}

// ratio returns W/w of one CPU. The neighbours' load spreads over all CPUs, the
// container's over those on which it has runnable threads (C17).
func (c *Container) ratio() float64 {
	used := 0
	for i := range c.processors {
		if c.processors[i].length > 0 {
			used++
		}
	}
	return float64(c.neighbours) / float64(c.cfg.CPUs) * float64(max(used, 1)) / float64(c.cfg.Weight)
}

// afterNeighbours returns the earliest instant at which a container that becomes
// runnable on p at now can start. What it still owes is bounded by one tick of
// its own running (C19). Without a debt it preempts a neighbour that has used
// its slice since the last tick, and otherwise waits for the next (C18).
func (c *Container) afterNeighbours(p *processor, now time.Duration) time.Duration {
	if p.owed > 0 {
		most := c.share(c.cfg.Tick) + c.cfg.Tick
		p.owed = max(min(p.owed, most)-(now-p.owedSince), 0)
	}
	p.owedSince = now
	if p.owed > 0 {
		return c.tickFrom(now + p.owed)
	}
	if now-(c.tickAfter(now)-c.cfg.Tick) < c.slice {
		return c.tickFrom(now)
	}
	return now
}
