package demo

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"time"
)

// A place is where people share a clock and a language.
type place struct {
	timezone, language, currency string
	offset                       time.Duration // of standard time from UTC; near enough for who is awake
	weight                       float64
	networks                     []string
}

// places use networks that pkg/geo/demodb knows, so that visitors have a location whatever database is used.
var places = []place{
	{"America/New_York", "en-US", "USD", -5 * time.Hour, 15, []string{"128.112.0.0/16", "128.59.0.0/16", "130.207.0.0/16", "18.9.0.0/16"}},
	{"America/Chicago", "en-US", "USD", -6 * time.Hour, 8, []string{"128.135.0.0/16", "129.105.0.0/16", "128.83.0.0/16"}},
	{"America/Los_Angeles", "en-US", "USD", -8 * time.Hour, 9, []string{"128.32.0.0/16", "171.64.0.0/14", "128.95.0.0/16"}},
	{"America/Toronto", "en-CA", "CAD", -5 * time.Hour, 5, []string{"128.100.0.0/16", "132.205.0.0/16"}},
	{"America/Mexico_City", "es-MX", "MXN", -6 * time.Hour, 3, []string{"132.248.0.0/16"}},
	{"America/Sao_Paulo", "pt-BR", "BRL", -3 * time.Hour, 6, []string{"143.107.0.0/16", "143.54.0.0/16"}},
	{"Europe/London", "en-GB", "GBP", 0, 9, []string{"129.67.0.0/16", "131.111.0.0/16", "129.215.0.0/16"}},
	{"Europe/Berlin", "de-DE", "EUR", time.Hour, 10, []string{"130.149.0.0/16", "141.84.0.0/16", "134.100.0.0/16"}},
	{"Europe/Paris", "fr-FR", "EUR", time.Hour, 8, []string{"129.175.0.0/16", "140.77.0.0/16"}},
	{"Europe/Zurich", "de-CH", "CHF", time.Hour, 2, []string{"129.132.0.0/16", "128.178.0.0/15"}},
	{"Europe/Madrid", "es-ES", "EUR", time.Hour, 5, []string{"147.83.0.0/16", "138.100.0.0/16"}},
	{"Europe/Rome", "it-IT", "EUR", time.Hour, 5, []string{"131.114.0.0/16", "131.175.0.0/16"}},
	{"Europe/Amsterdam", "nl-NL", "EUR", time.Hour, 4, []string{"130.37.0.0/16", "131.180.0.0/16"}},
	{"Europe/Stockholm", "sv-SE", "SEK", time.Hour, 3, []string{"130.237.0.0/16", "129.16.0.0/16"}},
	{"Europe/Warsaw", "pl-PL", "PLN", time.Hour, 4, []string{"156.17.0.0/16"}},
	{"Africa/Johannesburg", "en-ZA", "ZAR", 2 * time.Hour, 2, []string{"137.158.0.0/16", "146.141.0.0/16"}},
	{"Asia/Singapore", "en-SG", "SGD", 8 * time.Hour, 4, []string{"137.132.0.0/16"}},
	{"Asia/Taipei", "zh-TW", "TWD", 8 * time.Hour, 3, []string{"140.112.0.0/16"}},
	{"Asia/Seoul", "ko-KR", "KRW", 9 * time.Hour, 4, []string{"147.46.0.0/16", "143.248.0.0/16"}},
	{"Asia/Tokyo", "ja-JP", "JPY", 9 * time.Hour, 7, []string{"133.11.0.0/16", "130.54.0.0/16"}},
	{"Australia/Sydney", "en-AU", "AUD", 10 * time.Hour, 4, []string{"128.250.0.0/16", "130.102.0.0/16"}},
}

func pickPlace(rng *rand.Rand) *place {
	return &places[weighted(rng, len(places), func(i int) float64 { return places[i].weight })]
}

// address is an address of one of the place's networks.
func (p *place) address(rng *rand.Rand) netip.Addr {
	prefix := netip.MustParsePrefix(pick(rng, p.networks))
	four := prefix.Addr().As4()
	host := rng.Uint32() >> prefix.Bits()
	binary.BigEndian.PutUint32(four[:], binary.BigEndian.Uint32(four[:])|host)
	return netip.AddrFrom4(four)
}

// weighted picks an index by its weight.
func weighted(rng *rand.Rand, n int, weight func(int) float64) int {
	total := 0.0
	for i := range n {
		total += weight(i)
	}
	at := rng.Float64() * total
	for i := range n {
		if at -= weight(i); at < 0 {
			return i
		}
	}
	return n - 1
}
