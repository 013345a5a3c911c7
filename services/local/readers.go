package local

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/schemas"
)

// ReadersPassword is that of all readers of demos and trials, which everybody knows.
const ReadersPassword = "waymark"

// Readers are an analyst for each default account, and grafana, an operator of all regions.
func Readers() (readers []clickhouse.Reader) {
	sum := sha256.Sum256([]byte(ReadersPassword))
	hash := hex.EncodeToString(sum[:])
	all := clickhouse.Reader{User: "grafana", PasswordSHA256: hash}
	for _, region := range Regions {
		database := Database(region)
		all.Databases = append(all.Databases, database)
		readers = append(readers, clickhouse.Reader{User: "analyst_demo-" + region, PasswordSHA256: hash, Account: "demo-" + region, Databases: []string{database}})
	}
	return append(readers, all)
}

// ReadersFile is the users file that makes them.
func ReadersFile() (string, error) {
	schema, err := clickhouse.ReadSchema(schemas.Migrations())
	if err != nil {
		return "", err
	}
	return schema.ReaderFile(Readers()...)
}
