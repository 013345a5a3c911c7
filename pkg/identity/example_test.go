package identity_test

import (
	"fmt"

	"github.com/waymark-events/waymark/pkg/identity"
)

// A retry repeats the client's id, and so the event's.
func ExampleEventID() {
	fmt.Println(identity.EventID("acme", "order-7") == identity.EventID("acme", "order-7"))
	fmt.Println(identity.EventID("acme", "order-7") == identity.EventID("other", "order-7"))
	// Output:
	// true
	// false
}
