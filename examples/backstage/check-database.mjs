// Ends with one plain line where the database cannot be reached. By itself
// Backstage says after a while that it got no connection from its pool, which
// sounds like something else.
import { connect } from 'node:net';

const host = process.env.POSTGRES_HOST;
const port = Number(process.env.POSTGRES_PORT ?? 5432);
const seconds = Number(process.env.DATABASE_TIMEOUT_SECONDS ?? 20);

let address = host;
const socket = connect({ host, port, autoSelectFamily: false });
const giveUp = setTimeout(() => {
  socket.destroy();
  fail(`connect ETIMEDOUT ${address}:${port}`);
}, seconds * 1000);

socket.on('lookup', (_error, found) => (address = found ?? host));
socket.on('error', error => fail(error.message));
socket.on('connect', () => {
  clearTimeout(giveUp);
  socket.destroy();
});

function fail(why) {
  console.error(`Backstage cannot reach its database ${host}: ${why}`);
  process.exit(1);
}
