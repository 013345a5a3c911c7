package audit

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// most is how many gaps and doubled events are printed.
const most = 50

// Text prints the report for people.
func (r *Report) Text(out io.Writer) error {
	fmt.Fprintf(out, "Region %s, received %s to %s\n\n", r.Region, r.From.Format(time.RFC3339), r.To.Format(time.RFC3339))
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "PARTITION\tFROM\tTO\tRECORDS\tSTORED\tDEAD\tREPEATED\tUNDER WAY\tMISSING\tTWICE\tEXPIRED\t")
	var all Partition
	for _, p := range r.Partitions {
		fmt.Fprintf(table, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", p.Partition, p.From, p.To,
			p.Records, p.Stored, p.Dead, p.Repeated, p.UnderWay, p.Missing, p.Twice, p.Expired)
		all.Records += p.Records
		all.Stored += p.Stored
		all.Dead += p.Dead
		all.Repeated += p.Repeated
		all.UnderWay += p.UnderWay
		all.Missing += p.Missing
		all.Twice += p.Twice
		all.Expired += p.Expired
	}
	fmt.Fprintf(table, "all\t\t\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", all.Records, all.Stored, all.Dead, all.Repeated, all.UnderWay, all.Missing, all.Twice, all.Expired)
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	fmt.Fprintln(out)
	for _, g := range r.Gaps[:min(most, len(r.Gaps))] {
		fmt.Fprintf(out, "missing: partition %d, offsets %d to %d\n", g.Partition, g.From, g.To)
	}
	if n := len(r.Gaps); n > most {
		fmt.Fprintf(out, "… and %d more gaps\n", n-most)
	}
	for _, id := range r.Doubled[:min(most, len(r.Doubled))] {
		fmt.Fprintf(out, "more than one row: %s\n", id)
	}
	if n := len(r.Doubled); n > most {
		fmt.Fprintf(out, "… and %d more such events\n", n-most)
	}
	if all.Expired > 0 {
		fmt.Fprintf(out, "%d offsets of this span are gone from Kafka and are no rows: whether they were stored as repetitions, dead or lost cannot be told any more\n", all.Expired)
	}
	verdict := "Complete: every record is accounted for, none twice."
	switch {
	case !r.Complete():
		verdict = fmt.Sprintf("NOT complete: %d records are missing, %d are stored twice, %d events have more than one row.", all.Missing, all.Twice, len(r.Doubled))
	case all.UnderWay > 0:
		verdict = fmt.Sprintf("Complete so far: %d records are under way, all others are accounted for, none twice.", all.UnderWay)
	}
	if _, err := fmt.Fprintln(out, verdict); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
