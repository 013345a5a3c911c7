package checkpoint_test

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
)

// Of one topic, sources are ordered by epoch, then leader epoch, then offset.
func ExampleSource_After() {
	topic := uuid.MustParse("4c8499ff-ba44-d8ce-9964-f1bfe0081115")
	first := checkpoint.Source{Topic: topic, LeaderEpoch: 2, Offset: 900}
	afterAnElection := checkpoint.Source{Topic: topic, LeaderEpoch: 3, Offset: 850}
	fmt.Println(afterAnElection.After(first), first.After(afterAnElection))
	// Output: true false
}
