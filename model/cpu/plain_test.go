package cpu

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/probesim/probesim/model"
	"pgregory.net/rapid"
)

// plain is CFS bandwidth control of one thread on one CPU, written down as the
// rules say it and as slowly as possible: it visits every tick and every refill,
// whether anything runs or not.
type plain struct {
	quota, period, burst, tick, phase time.Duration
	exact                             bool

	now, pool, local        time.Duration
	throttled, active, idle bool
}

// answer returns when a demand that arrives at is done.
func (p *plain) answer(at, demand time.Duration) time.Duration {
	running, arrived := false, false
	for {
		next := (p.now/p.tick + 1) * p.tick
		next = min(next, p.refillAfter(p.now))
		if !arrived {
			next = min(next, max(at, p.now))
		}
		if running {
			next = min(next, p.now+demand)
			if p.exact {
				next = min(next, p.now+max(p.local, 0))
			}
			p.local -= next - p.now
			demand -= next - p.now
		}
		refill := next == p.refillAfter(p.now) && next > p.now
		p.now = next
		if refill && p.active {
			p.refill()
			running = arrived && !p.throttled
		}
		switch {
		case !arrived && p.now == at:
			arrived = true
			if !p.throttled {
				p.account()
			}
			running = !p.throttled
		case running && demand == 0:
			p.account()
			if kept := time.Millisecond; p.local > kept {
				p.pool += p.local - kept
				p.local = kept
			}
			return p.now
		case running && (p.now%p.tick == 0 || p.exact && p.local <= 0):
			p.account()
			running = !p.throttled
		}
	}
}

func (p *plain) refillAfter(t time.Duration) time.Duration {
	at := p.phase
	if t >= p.phase {
		at += ((t-p.phase)/p.period + 1) * p.period
	}
	return at
}

// refill is the period timer (C2, C6, C8).
func (p *plain) refill() {
	p.pool = min(p.pool+p.quota, p.quota+p.burst)
	switch {
	case p.throttled:
		amount := min(p.pool, 1-p.local)
		p.pool -= amount
		p.local += amount
		p.throttled = p.local <= 0
		p.idle = false
	case p.idle:
		p.active = false
	default:
		p.idle = true
	}
}

// account is an accounting point (C1).
func (p *plain) account() {
	if p.local > 0 {
		return
	}
	p.active = true
	if amount := min(p.pool, 5*time.Millisecond-p.local); amount > 0 {
		p.pool -= amount
		p.local += amount
		p.idle = false
	}
	p.throttled = p.local <= 0
}

// The lazy container answers at the very instants at which the plain one does.
func TestLazyIsPlain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &plain{
			quota:  time.Duration(rapid.Int64Range(1000, 40000).Draw(t, "quota µs")) * time.Microsecond,
			period: rapid.SampledFrom([]time.Duration{10, 20, 100, 250}).Draw(t, "period ms") * ms,
			burst:  rapid.SampledFrom([]time.Duration{0, 0, 7 * ms, 40 * ms}).Draw(t, "burst"),
			tick:   rapid.SampledFrom([]time.Duration{1, 4, 10}).Draw(t, "tick ms") * ms,
			exact:  rapid.Bool().Draw(t, "exact"),
		}
		cfg := Config{Quota: p.quota, Period: p.period, Burst: p.burst, Tick: p.tick}
		if p.exact {
			cfg.Accounting = model.AccountingExact
		}
		c := New(cfg)
		c.Reset(0, rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed"))))
		p.phase, p.pool = c.levels[0].phase, p.quota
		c.ticks, c.tick = 0, 0
		at := time.Duration(0)
		for range 20 {
			at += time.Duration(rapid.OneOf(
				rapid.Int64Range(0, int64(20*ms)), rapid.Int64Range(0, int64(2*time.Second)),
			).Draw(t, "gap"))
			demand := time.Duration(rapid.Int64Range(1, int64(60*ms)).Draw(t, "demand"))
			got, want := answer(c, at, Job{Demand: demand}), p.answer(at, demand)
			if got != want {
				t.Fatalf("%v of CPU at %v done at %v, want %v", demand, at, got, want)
			}
			at = got
		}
	})
}
