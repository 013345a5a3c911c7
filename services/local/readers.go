package local

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/schemas"
)

// ReadersPassword is that of all readers of demos and trials, which everybody knows: ClickHouse's default user has none there, and may do more.
const ReadersPassword = "waymark"

// Readers are an analyst for each default account, and grafana, an operator of all regions.
func Readers() []clickhouse.Reader {
	var readers []clickhouse.Reader
	for _, region := range Regions {
		readers = append(readers, analyst("demo-"+region, region))
	}
	return append(readers, operator())
}

// ReadersFile is the users file that makes them.
func ReadersFile() (string, error) { return fileOf(Readers()) }

// readersFile is the users file of an analyst for each of accounts, and of grafana; of the default readers where there are no accounts.
func readersFile(accounts *account.Directory) (string, error) {
	if accounts == nil {
		return ReadersFile()
	}
	return fileOf(append(analysts(accounts), operator()))
}

// analysts are users of ClickHouse who see one account each, as the console's SQL box runs as.
func analysts(accounts *account.Directory) (readers []clickhouse.Reader) {
	for _, of := range accounts.Accounts() {
		if one := analyst(of.ID, of.Region); served(of.Region) && len(one.User) <= longestReader {
			readers = append(readers, one)
		}
	}
	return readers
}

// longestReader is the longest name that a reader may have.
const longestReader = 63

func analyst(accountID, region string) clickhouse.Reader {
	return clickhouse.Reader{User: "analyst_" + accountID, PasswordSHA256: readersHash(), Account: accountID, Databases: []string{Database(region)}}
}

func operator() clickhouse.Reader {
	all := clickhouse.Reader{User: "grafana", PasswordSHA256: readersHash(), Operator: true}
	for _, region := range Regions {
		all.Databases = append(all.Databases, Database(region))
	}
	return all
}

func readersHash() string {
	sum := sha256.Sum256([]byte(ReadersPassword))
	return hex.EncodeToString(sum[:])
}

func fileOf(readers []clickhouse.Reader) (string, error) {
	schema, err := clickhouse.ReadSchema(schemas.Migrations())
	if err != nil {
		return "", err
	}
	return schema.ReaderFile(readers...)
}
