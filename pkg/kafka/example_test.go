package kafka_test

import (
	"fmt"

	"github.com/waymark-events/waymark/pkg/kafka"
)

// Any producer that places keys as Java's does agrees.
func ExamplePartitionForKey() {
	fmt.Println(kafka.PartitionForKey([]byte("foobar"), 12)) // murmur2 is -790332482
	// Output: 6
}
