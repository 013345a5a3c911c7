package segment

import (
	"net/netip"
	"testing"

	"github.com/waymark-events/waymark/pkg/clientip"
)

func TestTheAddressOfAMessageIsMaskedAndNothingElse(t *testing.T) {
	for sent, want := range map[string]string{
		`{"context":{"ip":"203.0.113.77","page":{"url":"u"}},"userId":"u"}`:                        `{"context":{"ip":"203.0.113.0","page":{"url":"u"}},"userId":"u"}`,
		` { "context" : { "a":[{"ip":"1.2.3.4"}], "ip" : " 2001:db8:1:2::3 " } }`:                  ` { "context" : { "a":[{"ip":"1.2.3.4"}], "ip" : "2001:db8:1::" } }`,
		`{"context":{"\u0069p":"203.0.113.77"}}`:                                                   `{"context":{"\u0069p":"203.0.113.0"}}`,
		`{"context":{"ip":"203.0.113.77","ip":"198.51.100.7"}}`:                                    `{"context":{"ip":"203.0.113.0","ip":"198.51.100.0"}}`,
		`{"context":{"ip":"no address 203.0.113.77"}}`:                                             `{"context":{"ip":""}}`,
		`{"context":{"ip":[203,0,113,77]}}`:                                                        `{"context":{"ip":""}}`,
		`{"context":{"ip":"0.0.0.0"}}`:                                                             `{"context":{"ip":"0.0.0.0"}}`,
		`{"ip":"203.0.113.77","properties":{"ip":"203.0.113.77","context":{"ip":"203.0.113.77"}}}`: `{"ip":"203.0.113.77","properties":{"ip":"203.0.113.77","context":{"ip":"203.0.113.77"}}}`,
		`{"context":"ip","type":"track"}`:                                                          `{"context":"ip","type":"track"}`,
		`["ip"]`:                                                                                   `["ip"]`,
		`{"context":{"ip":"203.0.113.77"`:                                                          `{"context":{"ip":"203.0.113.0"`,
	} {
		if got := string(Readdress([]byte(sent), AddressInMessage, clientip.Mask)); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", sent, got, want)
		}
	}
	if got := string(Readdress([]byte(`{"ip":"203.0.113.77","x":{"ip":"1.2.3.4"}}`), AddressInContext, func(netip.Addr) netip.Addr { return netip.Addr{} })); got != `{"ip":"","x":{"ip":"1.2.3.4"}}` {
		t.Errorf("a batch's context: %s", got)
	}
}
