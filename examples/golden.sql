-- The golden tables from DuckDB's command line: duckdb -readonly data/published/current/golden.duckdb < examples/golden.sql

-- How many customers are there, and how many stand on more than one record?
select count(*) as customers, count(*) filter (where record_count > 1) as joined from customers;

-- Who may be written to, by channel?
select channel, count(*) as customers from contactable where verification <> 'invalid' group by channel order by channel;

-- Which channel brings new customers?
select source, sum(records) as records, sum(new_customers) as new_customers, sum(duplicates) as duplicates
from channel_effectiveness group by source order by records desc;

-- What did the last run change?
select change, count(*) as customers from changes where run_id = (select max(run_id) from runs) group by change;
