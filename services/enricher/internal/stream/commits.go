package stream

import (
	"context"
	"errors"
	"slices"

	"github.com/waymark-events/waymark/pkg/kafka"
)

// jointCommits have the commits of a generation's claims go together: those that come while one request is under way are the next one. No commit
// waits for another to come.
type jointCommits struct {
	// together is kafka.CommitTogether.
	together func(ctx context.Context, commits []kafka.Commit) error
	asked    chan *askedCommit
	over     chan struct{}
}

// An askedCommit is one claim's, and where its outcome goes.
type askedCommit struct {
	kafka.Commit
	done chan error // takes one without a reader: who asked may be gone
}

func newJointCommits(together func(context.Context, []kafka.Commit) error) *jointCommits {
	return &jointCommits{together, make(chan *askedCommit), make(chan struct{})}
}

// of makes commits for a claim.
func (j *jointCommits) of(claim *kafka.Claim) committer { return claimCommits{j, claim} }

type claimCommits struct {
	joint *jointCommits
	claim *kafka.Claim
}

// Commit is Claim.Commit. What it asked for before ctx ended may still be committed.
func (c claimCommits) Commit(ctx context.Context, offset int64, metadata string) error {
	asked := &askedCommit{kafka.Commit{Claim: c.claim, Offset: offset, Metadata: metadata}, make(chan error, 1)}
	select {
	case c.joint.asked <- asked:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-asked.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run commits what is asked for until end is called, which must be after the last claim's end.
func (j *jointCommits) run() {
	for {
		select {
		case <-j.over:
			return
		case first := <-j.asked:
			j.commit(j.gathered(first))
		}
	}
}

func (j *jointCommits) end() { close(j.over) }

// gathered returns first and all that waits beside it.
func (j *jointCommits) gathered(first *askedCommit) []*askedCommit {
	all := []*askedCommit{first}
	for {
		select {
		case next := <-j.asked:
			all = append(all, next)
		default:
			return all
		}
	}
}

// commit makes one request of all of a generation. An error that neither passes nor ends the generation is one partition's: the others are asked
// for by themselves. It is under no claim's context, since none may call off the others'; kafka.CommitTogether bounds it.
func (j *jointCommits) commit(all []*askedCommit) {
	for len(all) > 0 {
		generation := all[0].Claim.Generation
		var commits []kafka.Commit
		var these, rest []*askedCommit
		for _, asked := range all {
			if asked.Claim.Generation != generation {
				rest = append(rest, asked) // somebody has gone, and another generation begun
				continue
			}
			these, commits = append(these, asked), append(commits, asked.Commit)
		}
		err := j.together(context.Background(), commits)
		alone := err != nil && len(these) > 1 && !kafka.Retriable(err) && !errors.Is(err, kafka.ErrFenced)
		for i, asked := range these {
			if alone {
				err = j.together(context.Background(), slices.Clone(commits[i:i+1]))
			}
			asked.done <- err
		}
		all = rest
	}
}
