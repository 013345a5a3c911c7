import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;

/** Reads as an analyst through JDBC, as Tableau, Metabase and DBeaver do; prints "ok" at the end. */
class Reader {
    static final Instant TEN = Instant.parse("2026-05-04T10:00:00Z");

    static void check(boolean holds, Object otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }

    interface Asks {
        void ask() throws SQLException;
    }

    static void refused(Asks asks, int code) {
        try {
            asks.ask();
        } catch (SQLException e) {
            check(e.getErrorCode() == code || e.getMessage().contains("Code: " + code), e);
            return;
        }
        throw new AssertionError("want an error with code " + code);
    }

    public static void main(String[] args) throws Exception {
        String database = args[4];
        Properties login = new Properties();
        login.setProperty("user", args[2]);
        login.setProperty("password", args[3]);
        try (Connection connection = DriverManager.getConnection("jdbc:clickhouse://" + args[0] + ":" + args[1] + "/" + database, login)) {
            DatabaseMetaData about = connection.getMetaData();
            Set<String> names = new TreeSet<>();
            try (ResultSet tables = about.getTables(null, database, "%", null)) {
                while (tables.next()) {
                    names.add(tables.getString("TABLE_NAME"));
                }
            }
            check(names.containsAll(Set.of("events", "events_live", "interactions", "sessions")), names);
            check(!names.contains("item_activity_feed") && !names.contains("waymark_migrations"), names);
            try (ResultSet columns = about.getColumns(null, database, "events", "account_id")) {
                check(columns.next() && columns.getString("REMARKS").equals("The customer"), "the comment of events.account_id");
            }

            // A view with parameters: what stands for ? is quoted by the driver.
            try (PreparedStatement plays = connection.prepareStatement("SELECT interaction_id, exposed, started_at, seconds_to_complete, steps"
                    + " FROM interactions(account=?, from=?, to=?, audience=?, item=?) ORDER BY first_time")) {
                plays.setString(1, "shop");
                plays.setDate(2, Date.valueOf("2026-05-01"));
                plays.setObject(3, LocalDate.of(2026, 5, 31));
                plays.setString(4, "live");
                plays.setString(5, "shop-walkthru");
                int rows = 0;
                try (ResultSet play = plays.executeQuery()) {
                    while (play.next()) {
                        if (rows == 0) {
                            check(play.getString(1).equals("shop-play-0") && play.getInt(2) == 1, play.getString(1));
                            check(play.getObject(3, ZonedDateTime.class).toInstant().equals(TEN), play.getObject(3));
                            check(play.getDouble(4) == 0 && play.wasNull() && play.getObject(4) == null, play.getObject(4));
                        }
                        if (rows == 1) {
                            check(play.getObject(5) instanceof Map<?, ?> steps && steps.size() == 1, play.getObject(5));
                        }
                        rows++;
                    }
                }
                check(rows == 50, rows);
                plays.setString(5, "it's \\ \"none\"");
                try (ResultSet none = plays.executeQuery()) {
                    check(!none.next(), "an item that is not there has rows");
                }
            }

            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery("SELECT event_id, event, time, preview, latitude, flags, toString(time_flag) AS time_flag, toJSONString(props) AS props,"
                            + " props.cart.total::Float64 AS total FROM events WHERE interaction_id IN ('shop-play-0', 'shop-play-1') ORDER BY time")) {
                check(row.next(), "no row");
                check(row.getObject("event_id") instanceof java.util.UUID, row.getObject("event_id"));
                check(row.getString("event").equals("play") && !row.getBoolean("preview") && row.getObject("preview") instanceof Boolean, row.getObject("preview"));
                check(row.getObject("time", ZonedDateTime.class).toInstant().equals(TEN), row.getObject("time"));
                // A Timestamp has no zone: the driver gives the clock of UTC, read in the zone of this machine.
                check(row.getTimestamp("time").toLocalDateTime().equals(LocalDateTime.ofInstant(TEN, ZoneOffset.UTC)), row.getTimestamp("time"));
                check(row.getFloat("latitude") == 52.5f && row.getDouble("total") == 1.5, row.getFloat("latitude"));
                check(((Object[]) row.getArray("flags").getArray())[0].equals("cut:shop"), row.getArray("flags"));
                check(row.getString("time_flag").equals("as_sent"), row.getString("time_flag"));
                check(row.getString("props").contains("\"plan\":\"shop-gold\""), row.getString("props"));
                check(row.next() && row.getObject("latitude") == null, "NULL is no number");
            }
            // A JSON column as it is.
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery("SELECT props FROM events WHERE interaction_id = 'shop-play-0'")) {
                check(row.next() && row.getObject(1).toString().contains("shop-gold"), "props");
            }

            try (Statement statement = connection.createStatement()) {
                refused(() -> statement.executeQuery("SELECT * FROM nowhere"), 60);
                refused(() -> statement.executeQuery("SELECT * FROM system.users"), 497);
                refused(() -> statement.executeUpdate("INSERT INTO events (account_id) VALUES ('shop')"), 497);
            }

            long rows = 0;
            try (Statement statement = connection.createStatement(); ResultSet large = statement.executeQuery("SELECT number, toString(number) FROM numbers(2000000)")) {
                while (large.next()) {
                    check(large.getLong(1) == rows++, rows);
                }
            }
            check(rows == 2000000, rows);
            System.out.println("ok " + about.getDriverVersion());
        }
    }
}
