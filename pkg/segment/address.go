package segment

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Where a message, and the context of a batch, name the end user's address.
const (
	AddressInMessage jsontext.Pointer = "/context/ip"
	AddressInContext jsontext.Pointer = "/ip"
)

// Readdress returns value with what mask makes of the address at a place in it, for accounts whose policy keeps whole addresses out of Kafka: an
// invalid one, and what is no address, becomes "". It returns value itself where there is none, and else a copy.
func Readdress(value []byte, at jsontext.Pointer, mask func(netip.Addr) netip.Addr) []byte {
	if !bytes.Contains(value, []byte(`ip"`)) && !bytes.Contains(value, []byte(`\u`)) { // a name may be escaped
		return value
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(value), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	var out []byte
	done := 0
	for kind := dec.PeekKind(); kind != 0; kind = dec.PeekKind() {
		deep := dec.StackDepth() > strings.Count(string(at), "/")
		if kind == '{' && !deep || kind == '}' {
			_, _ = dec.ReadToken()
			continue
		}
		read, err := dec.ReadValue()
		if err != nil {
			break // the decoder of messages refuses it
		}
		if in, n := dec.StackIndex(dec.StackDepth()); in != '{' || n%2 == 1 || dec.StackPointer() != at {
			continue
		}
		end := int(dec.InputOffset())
		out = append(out, value[done:end-len(read)]...)
		out, _ = jsontext.AppendQuote(out, masked(read, mask))
		done = end
	}
	if done == 0 {
		return value
	}
	return append(out, value[done:]...)
}

func masked(quoted jsontext.Value, mask func(netip.Addr) netip.Addr) string {
	text, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		return ""
	}
	addr, err := netip.ParseAddr(strings.TrimSpace(string(text)))
	if err != nil {
		return ""
	}
	if addr = mask(addr.Unmap().WithZone("")); !addr.IsValid() {
		return ""
	}
	return addr.String()
}
