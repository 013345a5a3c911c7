package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/waymark-events/waymark/pkg/kafka"
)

// A coordinator answers commits when it is told to.
type coordinator struct {
	requests [][]string
	answer   chan error
	errs     map[int32]error // by partition, at once
}

func (c *coordinator) commit(_ context.Context, commits []kafka.Commit) error {
	var said []string
	for _, one := range commits {
		said = append(said, fmt.Sprintf("%d/%d@%d", one.Claim.Generation, one.Claim.Partition, one.Offset))
	}
	slices.Sort(said)
	c.requests = append(c.requests, said)
	for _, one := range commits {
		if err := c.errs[one.Claim.Partition]; err != nil {
			return err
		}
	}
	return <-c.answer
}

// joint runs test with commits that go to c.
func joint(t *testing.T, c *coordinator, test func(t *testing.T, commit func(ctx context.Context, generation, partition int32, offset int64) <-chan error)) {
	synctest.Test(t, func(t *testing.T) {
		c.answer = make(chan error)
		j := newJointCommits(c.commit)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			j.run()
		}()
		test(t, func(ctx context.Context, generation, partition int32, offset int64) <-chan error {
			done := make(chan error, 1)
			go func() {
				done <- j.of(&kafka.Claim{Generation: generation, Partition: partition}).Commit(ctx, offset, "")
			}()
			synctest.Wait()
			return done
		})
		j.end()
		<-ended
	})
}

func TestCommitsThatComeMeanwhileGoTogether(t *testing.T) {
	var c coordinator
	joint(t, &c, func(t *testing.T, commit func(context.Context, int32, int32, int64) <-chan error) {
		first := commit(t.Context(), 1, 0, 10)
		others := []<-chan error{commit(t.Context(), 1, 1, 20), commit(t.Context(), 1, 2, 30)}
		c.answer <- nil
		if err := <-first; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		for i := range others {
			if len(others[i]) > 0 {
				t.Error("a commit is told before its request is answered")
			}
		}
		c.answer <- nil
		for _, done := range others {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if got, want := fmt.Sprint(c.requests), "[[1/0@10] [1/1@20 1/2@30]]"; got != want {
			t.Errorf("requests %s, want %s", got, want)
		}
	})
}

func TestEachClaimHearsWhatBecameOfItsCommit(t *testing.T) {
	for name, err := range map[string]error{"fenced": kafka.ErrFenced, "passing": kafkago.NotCoordinatorForGroup} {
		t.Run(name, func(t *testing.T) {
			var c coordinator
			joint(t, &c, func(t *testing.T, commit func(context.Context, int32, int32, int64) <-chan error) {
				first := commit(t.Context(), 1, 0, 10)
				others := []<-chan error{commit(t.Context(), 1, 1, 20), commit(t.Context(), 1, 2, 30)}
				c.answer <- nil
				<-first
				c.answer <- err
				for _, done := range others {
					if got := <-done; !errors.Is(got, err) {
						t.Errorf("told %v, want %v", got, err)
					}
				}
				if len(c.requests) != 2 {
					t.Errorf("requests %v", c.requests)
				}
			})
		})
	}
}

func TestAPartitionsOwnErrorIsNotTheOthers(t *testing.T) {
	c := coordinator{errs: map[int32]error{2: kafkago.OffsetMetadataTooLarge}}
	joint(t, &c, func(t *testing.T, commit func(context.Context, int32, int32, int64) <-chan error) {
		first := commit(t.Context(), 1, 0, 10)
		good, bad := commit(t.Context(), 1, 1, 20), commit(t.Context(), 1, 2, 30)
		c.answer <- nil
		<-first
		c.answer <- nil
		if err := <-good; err != nil {
			t.Error(err)
		}
		if err := <-bad; !errors.Is(err, kafkago.OffsetMetadataTooLarge) {
			t.Errorf("told %v", err)
		}
	})
}

func TestGenerationsAreNotMixedAndNobodyWaitsForWhoHasGone(t *testing.T) {
	var c coordinator
	joint(t, &c, func(t *testing.T, commit func(context.Context, int32, int32, int64) <-chan error) {
		ctx, leave := context.WithCancel(t.Context())
		first, second := commit(ctx, 1, 0, 10), commit(t.Context(), 1, 1, 20)
		third := commit(t.Context(), 2, 1, 21)
		leave()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("told %v", err)
		}
		for range 3 {
			c.answer <- nil
		}
		if err := errors.Join(<-second, <-third); err != nil {
			t.Error(err)
		}
		if got, want := fmt.Sprint(c.requests), "[[1/0@10] [1/1@20] [2/1@21]]"; got != want {
			t.Errorf("requests %s, want %s", got, want)
		}
	})
}
