package identity_test

import (
	"fmt"

	"github.com/waymark-events/waymark/pkg/identity"
)

// A retry repeats the client's id, and so the event's.
func ExampleEventID() {
	fmt.Println(identity.EventID("demo", "order-1"))
	// Output: fdb34852-d084-52d9-8db0-ac9adc5556b4
}
