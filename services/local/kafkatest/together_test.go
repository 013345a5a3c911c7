package kafkatest

import (
	"errors"
	"testing"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
)

// One request commits for several partitions, each its own; after the generation none of them.
func TestCommitsOfAGenerationAreRecordedTogether(t *testing.T) {
	address := Start(t)
	client := Client(t, address)
	Topic(t, client, "together", 3, nil)
	claims := make(chan *kafka.Claim, 100)
	defer group(t, client, "together", claims)()
	var commits []kafka.Commit
	for range 3 {
		claim := <-claims
		commits = append(commits, kafka.Commit{Claim: claim, Offset: int64(10 + claim.Partition), Metadata: string('a' + claim.Partition)})
	}
	stand := func(when string) {
		t.Helper()
		lag, err := admin.Lag(deadline(t), client, "group", "together")
		if err != nil || len(lag) != 3 {
			t.Fatal(lag, err)
		}
		for p, at := range lag {
			if want := string('a' + rune(p)); at.Committed != int64(10+p) || at.Metadata != want {
				t.Errorf("%s: partition %d has %d %q, want %d %q", when, p, at.Committed, at.Metadata, 10+p, want)
			}
		}
	}
	if err := kafka.CommitTogether(deadline(t), commits); err != nil {
		t.Fatal(err)
	}
	stand("after the commit")

	defer group(t, Client(t, address), "together", make(chan *kafka.Claim, 100))()
	for next := <-claims; next.Generation == commits[0].Claim.Generation; next = <-claims {
	}
	for i := range commits {
		commits[i].Offset, commits[i].Metadata = 99, "late"
	}
	if err := kafka.CommitTogether(deadline(t), commits); !errors.Is(err, kafka.ErrFenced) {
		t.Errorf("commits under an old generation: %v", err)
	}
	stand("after the generation")
}
