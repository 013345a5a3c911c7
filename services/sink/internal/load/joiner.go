package load

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// A joiner gathers what the partitions of one generation have ready at one time, and stores it as one block (joint.go). All partitions end their
// batches at common ticks of their age, and at the limits of what they have together. A nil joiner joins nothing.
type joiner struct {
	together together
	slots    *semaphore.Weighted
	// began is what the ticks count from.
	began time.Time
	// lookHolds is how long an answer of the table's may be relied on.
	lookHolds time.Duration

	mu sync.Mutex
	// claims counts the partitions that there are.
	claims int
	// forming has the batches with records that nobody has handed in yet, gathering the joint batch that takes more: nil for none.
	forming   map[*batch]forming
	gathering *joint
}

// together records commits of several claims in one request, as kafka.CommitTogether does.
type together func(ctx context.Context, commits []kafka.Commit) error

// A forming batch ends at a time at the latest, and has so much by now.
type forming struct {
	due         time.Time
	rows, bytes int
}

// longestGathering bounds how long a joint batch waits for those that were to end with it.
const longestGathering = 250 * time.Millisecond

func newJoiner(commits together, slots *semaphore.Weighted, lookHolds time.Duration) *joiner {
	return &joiner{together: commits, slots: slots, began: time.Now(), lookHolds: lookHolds, forming: make(map[*batch]forming)}
}

// enter counts a partition in, and leave out.
func (j *joiner) enter() {
	if j != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.claims++
	}
}

func (j *joiner) leave() {
	if j != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.claims--
	}
}

// due returns when a batch that was begun at a moment ends at the latest: at the next tick, where there are others to end with.
func (j *joiner) due(begun time.Time, age time.Duration) time.Time {
	if j == nil {
		return begun.Add(age)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.claims < 2 {
		return begun.Add(age)
	}
	return begun.Add(age - begun.Sub(j.began)%age)
}

// grown notes what a batch has by now, and tells whether all that is being formed and gathered is as much as one insert may have.
func (j *joiner) grown(b *batch, limits Limits) (full bool) {
	if j == nil {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.forming[b] = forming{b.due, b.rows.Len(), b.kept.bytes}
	rows, bytes := 0, 0
	if j.gathering != nil {
		rows, bytes = j.gathering.rows, j.gathering.bytes
	}
	for _, f := range j.forming {
		rows, bytes = rows+f.rows, bytes+f.bytes
	}
	return rows >= limits.Rows || bytes >= limits.Bytes
}

// gone notes that a batch will not be handed in.
func (j *joiner) gone(b *batch) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, counted := j.forming[b]; counted {
		delete(j.forming, b)
		j.gathering.nudge()
	}
}

// store hands a delivery in and returns when it is known what became of it. The first of a joint batch waits for the others, and then stores it for all.
func (j *joiner) store(work context.Context, p *partition, d *delivery) (outcome, error) {
	e := &entrant{partition: p, delivery: d}
	limits := p.reader.pressure.limits()
	j.mu.Lock()
	delete(j.forming, d.batch)
	first := j.gathering == nil || !j.gathering.takes(e, limits)
	if first {
		before := j.gathering
		j.gathering = &joint{joiner: j, due: d.batch.due, wake: make(chan struct{}, 1), done: make(chan struct{})}
		before.nudge() // it goes without us
	}
	g := j.gathering
	g.add(e)
	g.nudge()
	j.mu.Unlock()
	if first {
		g.run(work, j.gather(work, g, limits))
	}
	<-g.done
	return e.outcome, e.err
}

// gather returns when g is large enough, everybody who was to end with it has come, or it has waited long enough; and there is a slot for its insert, which it
// has then. Until that moment g takes more.
func (j *joiner) gather(work context.Context, g *joint, limits Limits) error {
	j.await(work, g, limits)
	err := j.slots.Acquire(work, 1)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.gathering == g {
		j.gathering = nil
	}
	return err
}

// await returns when g need not wait for others.
func (j *joiner) await(work context.Context, g *joint, limits Limits) {
	enough := time.NewTimer(min(limits.Age/4, longestGathering))
	defer enough.Stop()
	for {
		j.mu.Lock()
		over := j.gathering != g || j.complete(g, limits)
		j.mu.Unlock()
		if over {
			return
		}
		select {
		case <-g.wake:
		case <-enough.C:
			return
		case <-work.Done():
			return
		}
	}
}

// complete tells whether g need not wait: nobody is to end with it any more, or it is near what one insert may have.
func (j *joiner) complete(g *joint, limits Limits) bool {
	if g.rows >= limits.Rows*3/4 || g.bytes >= limits.Bytes*3/4 {
		return true
	}
	for _, f := range j.forming {
		if !f.due.After(g.due) {
			return false
		}
	}
	return true
}

// takes tells whether e may become part of g.
func (g *joint) takes(e *entrant, limits Limits) bool {
	b := e.delivery.batch
	return g.rows+b.rows.Len() <= limits.Rows && g.bytes+b.kept.bytes <= limits.Bytes && len(g.entrants) < checkpoint.MostMembers &&
		sameTopic(b, g.entrants[0].delivery.batch)
}

func sameTopic(a, b *batch) bool {
	return a.extent.log.Topic == b.extent.log.Topic && a.extent.log.ID == b.extent.log.ID
}

func (g *joint) add(e *entrant) {
	g.entrants = append(g.entrants, e)
	g.rows, g.bytes = g.rows+e.delivery.batch.rows.Len(), g.bytes+e.delivery.batch.kept.bytes
}

// nudge has whoever gathers g look again.
func (g *joint) nudge() {
	if g == nil {
		return
	}
	select {
	case g.wake <- struct{}{}:
	default:
	}
}
