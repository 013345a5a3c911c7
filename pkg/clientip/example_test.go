package clientip_test

import (
	"fmt"
	"net/netip"

	"github.com/waymark-events/waymark/pkg/clientip"
)

func ExampleMask() {
	fmt.Println(clientip.Mask(netip.MustParseAddr("203.0.113.7")))
	fmt.Println(clientip.Mask(netip.MustParseAddr("2001:db8:1:2:3:4:5:6")))
	// Output:
	// 203.0.113.0
	// 2001:db8:1::
}
