package enrich

import (
	"math"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/geo"
)

// locate fills the approximate location. Unknown parts stay empty.
func locate(l geo.Location, out *event.Enriched) {
	out.CountryCode, out.Country, out.Subdivision, out.City = l.CountryCode, l.Country, l.Subdivision, l.City
	if l.HasCoordinates {
		latitude, longitude := hundredths(l.Latitude), hundredths(l.Longitude)
		out.Latitude, out.Longitude = &latitude, &longitude
	}
	out.Asn, out.AsName = l.ASN, l.ASName
}

// hundredths rounds degrees to two decimals, about a kilometre: enough for a map of cities, not for a house.
func hundredths(degrees float64) float64 { return math.Round(degrees*100) / 100 }
