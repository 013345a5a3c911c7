package clientip

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func resolver(t testing.TB, header string) *Resolver {
	t.Helper()
	r, err := New([]string{"127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48"}, header)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestClientIP(t *testing.T) {
	for name, c := range map[string]struct {
		peer      string
		xff       []string
		forwarded []string
		want      string
	}{
		"direct":                           {"198.51.100.7:4711", nil, nil, "198.51.100.7"},
		"direct, forged":                   {"198.51.100.7:4711", []string{"203.0.113.9"}, []string{"for=203.0.113.9"}, "198.51.100.7"},
		"through a proxy":                  {"10.1.2.3:80", []string{"203.0.113.9"}, nil, "203.0.113.9"},
		"through two":                      {"127.0.0.1:80", []string{"203.0.113.9, 10.9.9.9"}, nil, "203.0.113.9"},
		"forged on the left":               {"10.1.2.3:80", []string{"8.8.8.8, 203.0.113.9"}, nil, "203.0.113.9"},
		"several lines":                    {"10.1.2.3:80", []string{"8.8.8.8", "203.0.113.9, 10.0.0.1"}, nil, "203.0.113.9"},
		"with a port":                      {"10.1.2.3:80", []string{"203.0.113.9:1234"}, nil, "203.0.113.9"},
		"IPv6":                             {"[2001:db8:1::1]:80", []string{"2001:db8:2::5"}, nil, "2001:db8:2::5"},
		"IPv6 with port":                   {"10.1.2.3:80", []string{"[2001:db8:2::5]:99"}, nil, "2001:db8:2::5"},
		"IPv4 in IPv6":                     {"[::ffff:10.1.2.3]:80", []string{"::ffff:203.0.113.9"}, nil, "203.0.113.9"},
		"zone":                             {"[fe80::1%eth0]:80", nil, nil, "fe80::1"},
		"garbage on the right":             {"10.1.2.3:80", []string{"203.0.113.9, unknown"}, nil, "10.1.2.3"},
		"garbage left of a proxy":          {"10.1.2.3:80", []string{"_hidden, 10.4.4.4"}, nil, "10.4.4.4"},
		"empty":                            {"10.1.2.3:80", []string{""}, nil, "10.1.2.3"},
		"a comma at the end":               {"10.1.2.3:80", []string{"203.0.113.9,"}, nil, "203.0.113.9"},
		"empty elements everywhere":        {"10.1.2.3:80", []string{", ,8.8.8.8,\t,203.0.113.9, ,", "", " , 10.0.0.1,"}, nil, "203.0.113.9"},
		"nothing but commas":               {"10.1.2.3:80", []string{", ,", ","}, nil, "10.1.2.3"},
		"garbage beside empty elements":    {"10.1.2.3:80", []string{"203.0.113.9, ,unknown,"}, nil, "10.1.2.3"},
		"Forwarded, empty elements":        {"10.1.2.3:80", nil, []string{", for=203.0.113.9, ,", ","}, "203.0.113.9"},
		"all proxies":                      {"10.1.2.3:80", []string{"10.0.0.9, 10.0.0.8"}, nil, "10.0.0.9"},
		"Forwarded":                        {"10.1.2.3:80", []string{"8.8.8.8"}, []string{`for=192.0.2.43;proto=https, For="[2001:db8:2::5]:4711";by=10.0.0.1`}, "2001:db8:2::5"},
		"Forwarded, obfuscated":            {"10.1.2.3:80", nil, []string{"for=_gazonk"}, "10.1.2.3"},
		"the other header is forged":       {"10.1.2.3:80", []string{"203.0.113.9"}, []string{"for=8.8.8.8"}, "203.0.113.9"},
		"Forwarded, the other one forged":  {"10.1.2.3:80", []string{"8.8.8.8"}, []string{"for=203.0.113.9"}, "203.0.113.9"},
		"Forwarded, a comma in quotes":     {"10.1.2.3:80", nil, []string{`for=203.0.113.9;host="x,for=8.8.8.8"`}, "203.0.113.9"},
		"Forwarded, a semicolon in quotes": {"10.1.2.3:80", nil, []string{`for=203.0.113.9;host="x;for=8.8.8.8"`}, "203.0.113.9"},
		"Forwarded, an escaped quote":      {"10.1.2.3:80", nil, []string{`for=203.0.113.9;host="x\",for=8.8.8.8"`}, "203.0.113.9"},
		"Forwarded, for twice":             {"10.1.2.3:80", nil, []string{"for=203.0.113.9;for=8.8.8.8"}, "10.1.2.3"},
		"Forwarded, no for":                {"10.1.2.3:80", nil, []string{"for=203.0.113.9, proto=https"}, "10.1.2.3"},
		"no connection to speak of":        {"@", []string{"203.0.113.9"}, nil, "invalid IP"},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{"X-Forwarded-For": c.xff, "Forwarded": c.forwarded}
			header := XForwardedFor
			if strings.HasPrefix(name, "Forwarded") {
				header = Forwarded
			}
			r := resolver(t, header)
			if got := r.ClientIP(c.peer, h); got.String() != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	for _, text := range []string{"localhost", "10.0.0.0/33", "", "::ffff:10.0.0.0/104"} {
		if _, err := New([]string{text}, XForwardedFor); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
	if _, err := New(nil, "X-Real-IP"); err == nil {
		t.Error("X-Real-IP was accepted")
	}
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.77": "203.0.113.0", "::ffff:203.0.113.77": "203.0.113.0", "2001:db8:1:2:3::4": "2001:db8:1::", "fe80::1%eth0": "fe80::",
		"2002:808:808::1": "2002:808:800::", "2002:cb00:714d:1:2:3:4:5": "2002:cb00:7100::", "2003:808:808::1": "2003:808:808::",
	} {
		if got := Mask(netip.MustParseAddr(in)); got.String() != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	if Mask(netip.Addr{}).IsValid() {
		t.Error("nothing became an address")
	}
}

// embeddings write the IPv4 address a into IPv6 as the RFCs have it.
var embeddings = map[string]func(a [4]byte) [16]byte{
	"compatible (RFC 4291)": func(a [4]byte) (b [16]byte) { copy(b[12:], a[:]); return },
	"mapped (RFC 4291)":     func(a [4]byte) (b [16]byte) { b[10], b[11] = 0xff, 0xff; copy(b[12:], a[:]); return },
	"6to4 (RFC 3056)":       func(a [4]byte) (b [16]byte) { b[0], b[1] = 0x20, 0x02; copy(b[2:], a[:]); b[15] = 1; return },
	"6to4, Windows' host part": func(a [4]byte) (b [16]byte) {
		b[0], b[1] = 0x20, 0x02
		copy(b[2:], a[:])
		copy(b[12:], a[:])
		return
	},
	"Teredo client (RFC 4380)": func(a [4]byte) (b [16]byte) {
		copy(b[:], []byte{0x20, 0x01, 0, 0, 65, 54, 227, 120, 0x80, 0, 0x63, 0xbf})
		for i := range a {
			b[12+i] = a[i] ^ 0xff
		}
		return
	},
	"Teredo server":    func(a [4]byte) (b [16]byte) { b[0], b[1] = 0x20, 0x01; copy(b[4:], a[:]); return },
	"NAT64 (RFC 6052)": func(a [4]byte) (b [16]byte) { copy(b[:], []byte{0, 0x64, 0xff, 0x9b}); copy(b[12:], a[:]); return },
	"local NAT64 (RFC 8215), /96": func(a [4]byte) (b [16]byte) {
		copy(b[:], []byte{0, 0x64, 0xff, 0x9b, 0, 1})
		copy(b[12:], a[:])
		return
	},
	"local NAT64, /48":              func(a [4]byte) (b [16]byte) { return rfc6052([]byte{0, 0x64, 0xff, 0x9b, 0, 1}, a) },
	"NAT64 of a network's own, /32": func(a [4]byte) (b [16]byte) { return rfc6052([]byte{0x2a, 0x01, 0x0e, 0x00}, a) },
	"NAT64 of a network's own, /40": func(a [4]byte) (b [16]byte) { return rfc6052([]byte{0x2a, 0x01, 0x0e, 0x00, 7}, a) },
	"ISATAP, link-local (RFC 5214)": func(a [4]byte) (b [16]byte) {
		copy(b[:], []byte{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0x5e, 0xfe})
		copy(b[12:], a[:])
		return
	},
	"ISATAP, global": func(a [4]byte) (b [16]byte) {
		copy(b[:], []byte{0x2a, 1, 2, 3, 4, 5, 6, 7, 2, 0, 0x5e, 0xfe})
		copy(b[12:], a[:])
		return
	},
	"6rd (RFC 5969) behind 24 bits":    func(a [4]byte) (b [16]byte) { copy(b[:], []byte{0x26, 0x02, 1}); copy(b[3:], a[:]); return },
	"translated (RFC 2765, ::ffff:0:)": func(a [4]byte) (b [16]byte) { b[8], b[9] = 0xff, 0xff; copy(b[12:], a[:]); return },
}

// rfc6052 writes a after a prefix of 32 to 64 bits, around octet 8, which stays zero.
func rfc6052(prefix []byte, a [4]byte) (b [16]byte) {
	at := copy(b[:], prefix)
	for _, octet := range a {
		if at == 8 {
			at++
		}
		b[at] = octet
		at++
	}
	return b
}

// Whatever the last octet of an embedded IPv4 address is, the masked address is the same: none of its bits are left.
func TestMaskLeavesNothingOfAnEmbeddedAddressesHost(t *testing.T) {
	for name, embed := range embeddings {
		for _, network := range [][3]byte{{8, 8, 8}, {203, 0, 113}, {0, 0, 0}, {255, 255, 255}} {
			want := Mask(netip.AddrFrom16(embed([4]byte{network[0], network[1], network[2], 0})))
			for host := range 256 {
				addr := netip.AddrFrom16(embed([4]byte{network[0], network[1], network[2], byte(host)}))
				if got := Mask(addr); got != want {
					t.Fatalf("%s: %s is masked as %s, its neighbour as %s", name, addr, got, want)
				}
			}
		}
	}
}

func FuzzAnUntrustedPeerCannotChooseItsAddress(f *testing.F) {
	f.Add("203.0.113.9", `for="[::1]"`)
	resolvers := []*Resolver{resolver(f, XForwardedFor), resolver(f, Forwarded)}
	f.Fuzz(func(t *testing.T, xff, forwarded string) {
		h := http.Header{"X-Forwarded-For": {xff}, "Forwarded": {forwarded}}
		for _, r := range resolvers {
			if got := r.ClientIP("198.51.100.7:1", h); got != netip.MustParseAddr("198.51.100.7") {
				t.Errorf("got %s", got)
			}
			if got := r.ClientIP("10.0.0.1:1", h); !got.IsValid() {
				t.Error("no address")
			}
		}
	})
}
