package load

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
)

// A joint is batches of several partitions that go into the table as one block: their intents are committed by one request, each with the joint's
// name, and the block comes under one token. One of its partitions does that for all, who wait.
type joint struct {
	joiner      *joiner
	entrants    []*entrant
	rows, bytes int
	due         time.Time
	// wake has the one who gathers look again; done is closed once every entrant's outcome is known.
	wake, done chan struct{}

	by *erasure.Set // by which it was judged
	// identity and token name it, once it is complete.
	identity *checkpoint.Joint
	token    string
	looked   time.Time // when the table was last asked; zero before
}

// An entrant is a partition with its batch, and what became of that.
type entrant struct {
	partition *partition
	delivery  *delivery
	outcome   outcome
	err       error
}

// An outcome is what became of a batch that was handed in.
type outcome int

const (
	// alone: nothing, it goes on by itself.
	alone outcome = iota
	// stored: the table has it.
	stored
	// open: its intent is committed and names the joint, which nobody stores as a whole any more.
	open
)

// errDissolved means that a joint batch is not to be sent as a whole any more.
var errDissolved = errors.New("the joint batch is dissolved")

// run stores the joint batch, for which there is a slot unless err says why not, and decides what becomes of each entrant's.
func (j *joint) run(work context.Context, err error) {
	defer close(j.done)
	if err != nil {
		j.all(alone, err)
		return
	}
	defer j.joiner.slots.Release(1)
	if len(j.entrants) < 2 {
		return
	}
	if err := j.judge(work); err != nil {
		j.all(alone, err)
		return
	}
	// Who has somebody to withhold goes alone.
	j.entrants = slices.DeleteFunc(j.entrants, func(e *entrant) bool { return e.delivery.withheld.any() })
	if len(j.entrants) < 2 {
		return
	}
	j.identify()
	if !j.fits() {
		return
	}
	j.step("gathered")
	if err := j.intend(work); err != nil {
		j.all(alone, err)
		return
	}
	j.step("joined")
	switch err := j.persist(work); {
	case err == nil:
		j.all(stored, nil)
	case errors.Is(err, errDissolved):
		j.first().monitor.metrics.dissolved.Inc()
		j.first().monitor.log.Warn("a joint batch was not stored: its batches go on alone", zap.String("token", j.token), zap.Int("batches", len(j.entrants)))
		j.all(open, nil)
	default:
		j.all(open, err)
	}
}

func (j *joint) all(o outcome, err error) {
	for _, e := range j.entrants {
		e.outcome, e.err = o, err
	}
}

// first is the partition in whose name the joint batch's log, steps and questions are.
func (j *joint) first() *partition { return j.entrants[0].partition }

func (j *joint) step(name string) { j.first().monitor.step(name) }

// judge looks which rows must not be sent, by the tombstones of now.
func (j *joint) judge(work context.Context) (err error) {
	if j.by, err = j.first().writer.erasures.Await(work); err != nil {
		return err
	}
	for _, e := range j.entrants {
		if err := e.delivery.withhold(j.by); err != nil {
			return err
		}
	}
	return nil
}

// identify names the joint batch by its batches' tokens, in the order of their partitions, and so by its rows.
func (j *joint) identify() {
	slices.SortFunc(j.entrants, func(a, b *entrant) int {
		return cmp.Compare(a.delivery.batch.extent.log.Partition, b.delivery.batch.extent.log.Partition)
	})
	j.identity = new(checkpoint.Joint)
	var extents []extent
	for _, e := range j.entrants {
		b := e.delivery.batch
		extents = append(extents, b.extent)
		j.identity.Members = append(j.identity.Members, checkpoint.Member{
			Partition: b.extent.log.Partition, From: b.extent.from.Offset, To: b.extent.to.Offset, LeaderEpoch: b.extent.to.LeaderEpoch,
		})
	}
	j.identity.Digest = digestOf(extents)
	j.token = jointToken(j.entrants[0].delivery.batch.extent.log.Topic, j.identity)
}

// digestOf names what some batches hold together.
func digestOf(extents []extent) string {
	names := sha256.New()
	for _, e := range extents {
		fmt.Fprintln(names, e.token())
	}
	return hex.EncodeToString(names.Sum(nil)[:16])
}

// jointToken stands for a joint batch in ClickHouse's deduplication window. It names the partitions, so that each finds the inserts that are under way
// with rows of its own.
func jointToken(topic string, of *checkpoint.Joint) string {
	var partitions strings.Builder
	for _, m := range of.Members {
		fmt.Fprintf(&partitions, "%d,", m.Partition)
	}
	return fmt.Sprintf("%s/joint/,%s/%s", topic, partitions.String(), of.Digest)
}

// intend commits every batch's intent by one request. Whoever loses its generation meanwhile loses it for all of them, and nothing was sent.
func (j *joint) intend(work context.Context) error {
	return commitTogether(work, j.joiner.together, j.intents())
}

func (j *joint) intents() []statement {
	statements := make([]statement, len(j.entrants))
	for i, e := range j.entrants {
		p, b := e.partition, e.delivery.batch
		intent := p.intent(b)
		intent.Joint = j.identity
		statements[i] = statement{p.fence, b.extent.from.Offset, intent}
	}
	return statements
}

// mostMetadata is what a broker takes beside an offset, in bytes: its offset.metadata.max.bytes, unless somebody has set that.
const mostMetadata = 4096

// fits tells whether a broker takes all intents. It refuses those that are too large, and records the others of the request, but a joint batch's are
// committed all or none.
func (j *joint) fits() bool {
	return !slices.ContainsFunc(j.intents(), func(s statement) bool {
		s.state.Halved, s.state.Fenced = true, s.state.Next // which may be committed later
		return len(s.state.String()) > mostMetadata
	})
}

// confirm is fence.confirm for all of them.
func (j *joint) confirm(work context.Context) error {
	holds := true
	statements := make([]statement, len(j.entrants))
	for i, e := range j.entrants {
		f := e.partition.fence
		holds = holds && time.Since(f.confirmed) < f.holds
		statements[i] = statement{f, f.offset, *f.memory}
	}
	if holds {
		return nil
	}
	j.step("confirming")
	return commitTogether(work, j.joiner.together, statements)
}

// persist sends the block until it is stored, somebody is needed, or it can only be stored in parts: errDissolved.
func (j *joint) persist(work context.Context) error {
	backoff := retry.Backoff{First: 100 * time.Millisecond, Last: 15 * time.Second}
	for failures := 0; ; {
		err := j.try(work)
		var passing *passingError
		switch {
		case err == nil:
			j.succeeded(failures == 0)
			return nil
		case !errors.As(err, &passing):
			return err
		case errors.Is(err, errStale):
			continue
		case errors.Is(err, errJudgedAnew):
			if err := j.judge(work); err != nil {
				return err
			}
			if slices.ContainsFunc(j.entrants, func(e *entrant) bool { return e.delivery.withheld.any() }) {
				return errDissolved
			}
			continue
		}
		if problem := j.first().writer.sieve.check(work); errors.Is(problem, errOperator) {
			return problem
		}
		// An error of no known class may be about values: each batch looks at its own.
		if failures++; failures >= unknownFailures && clickhouse.Code(err) != tooManyParts {
			return errDissolved
		}
		j.failing(err)
		if err := backoff.Wait(work); err != nil {
			return err
		}
	}
}

// try sends the block once; again only where that stores nothing twice.
func (j *joint) try(work context.Context) error {
	if j.entrants[0].delivery.sent {
		if err := j.look(work); err != nil {
			return err
		}
	}
	if err := j.clear(work); err != nil {
		return err
	}
	if !j.looked.IsZero() && time.Since(j.looked) >= j.joiner.lookHolds {
		return &passingError{errStale}
	}
	parts := make([][]clickhouse.Column, len(j.entrants))
	for i, e := range j.entrants {
		e.delivery.sent = true
		parts[i] = e.delivery.batch.rows.Columns(0, e.delivery.batch.rows.Len())
	}
	j.step("inserting jointly")
	err := j.first().writer.inserter.send(work, j.entrants[0].delivery.batch.rows.Insert(), j.token, parts...)
	var refused *refusedError
	if errors.As(err, &refused) {
		return errDissolved
	}
	return err
}

// clear returns nil when all of them may write what they have judged, now.
func (j *joint) clear(work context.Context) error {
	for {
		if err := j.confirm(work); err != nil {
			return err
		}
		asked := time.Now()
		by, err := j.first().writer.erasures.Await(work)
		switch {
		case err != nil:
			return err
		case by != j.by:
			return &passingError{errJudgedAnew}
		case time.Since(asked) < mostHeld:
			return nil
		}
	}
}

// look returns nil when the block can be sent again: the table has nothing of it, or whole months, and surely remembers their token. What views
// lack of these they get then.
func (j *joint) look(work context.Context) error {
	j.looked = time.Now()
	batches := make([]*batch, len(j.entrants))
	for i, e := range j.entrants {
		batches[i] = e.delivery.batch
	}
	first := j.entrants[0]
	there, err := first.partition.readback.muster(work, batches)
	if err != nil {
		return err
	}
	j.step("readback")
	switch {
	case len(there.had) == 0:
		return nil
	case len(there.torn()) > 0:
		return errDissolved
	}
	remembers, err := first.partition.readback.remembers(work, batches[0], there.block)
	if err == nil && !remembers {
		err = errDissolved
	}
	return err
}

// succeeded tells each partition that its batch is stored, at the first try or later.
func (j *joint) succeeded(atOnce bool) {
	m := j.first().monitor
	m.inserted(j.rows, j.bytes)
	m.metrics.joint.Inc()
	for _, e := range j.entrants {
		w := e.partition.writer
		if atOnce {
			w.pressure.eased()
		}
		w.monitor.scale(w.pressure.scale)
		w.monitor.progress.Working()
	}
}

// failing tells of a try that failed.
func (j *joint) failing(err error) {
	for _, e := range j.entrants {
		w := e.partition.writer
		w.pressure.felt(err)
		w.monitor.progress.Failing("the insert into "+e.delivery.batch.rows.Table(), clickhouse.Brief(err))
		w.monitor.scale(w.pressure.scale)
	}
	m := j.first().monitor
	m.retried("insert")
	m.log.Warn("cannot insert; trying again", zap.Int("rows", j.rows), zap.Int("batches", len(j.entrants)), zap.String("token", j.token), zap.Error(err))
}

// joinable tells whether b may be part of a joint batch: everything about it is as usual, so that the same rows are made of its records
// whoever reads them again.
func (p *partition) joinable(b *batch) bool {
	return p.joiner != nil && !b.letters && b.rows.Len() > 0 && !b.lineage.doubtful && len(b.lineage.replaced) == 0 && b.repeated == 0 && len(b.rejected) == 0
}

// storeJointly stores b with what other partitions have ready.
func (p *partition) storeJointly(work context.Context, b *batch) error {
	d := newDelivery(b)
	outcome, err := p.joiner.store(work, p, d)
	switch {
	case err != nil:
		return err
	case outcome == alone:
		return p.storeAlone(work, b)
	}
	p.reader.begun()
	if outcome == stored {
		p.writer.readback.sample(work, d)
		p.acknowledge(d)
		return nil
	}
	d.replayed, d.joint = true, p.fence.memory.Joint
	return p.deliver(work, d)
}

// A statement is what one fence is to commit.
type statement struct {
	fence  *fence
	offset int64
	state  checkpoint.Sink
}

// commitTogether commits what several fences state, of one generation, by one request, as fence.commit does for one.
func commitTogether(work context.Context, commits together, statements []statement) error {
	list := make([]kafka.Commit, len(statements))
	for i, s := range statements {
		list[i] = kafka.Commit{Claim: s.fence.claim, Offset: s.offset, Metadata: s.state.String()}
	}
	first := statements[0].fence
	asked, err := first.persist(work, func() error { return commits(work, list) })
	if err != nil {
		return err
	}
	for _, s := range statements {
		s.fence.recorded(s.offset, s.state, asked)
	}
	return nil
}
