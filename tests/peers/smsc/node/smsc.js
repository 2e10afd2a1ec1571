// SPDX-License-Identifier: Apache-2.0
// An SMSC on node-smpp, an implementation of SMPP that is not ours.
//
// One JSON object a line.  Out: {event: "listening"|"bound"|"refused"|"submit"|"answered"|"unbound", ...}.
// In: {command: "mo", ...fields of deliver_sm in hex where they are octets} | {command: "unbind"}.
// Submits to a destination of FAULTS go wrong; everything else is taken and, if asked for, reported.
// SMSC_TLS names a file of a key and its certificate: then it speaks TLS, and wants the same certificate of its ESMEs.

'use strict';
const fs = require('fs');
const readline = require('readline');
const smpp = require('smpp');

const [systemId, password] = process.argv.slice(2);
const FAULTS = { '999001': 0x58, '999002': 0x14, '999003': 0x0b, '999004': 0x40b };
const ODD_RECEIPT = '999008';
const MESSAGE_STATE_DELIVERED = 2;

let bound = null;
let count = 0;
const say = (event, fields) => process.stdout.write(JSON.stringify({ event, ...fields }) + '\n');

// node-smpp parses the header into a list of elements, and reads the text by data_coding.  What came
// on the wire is put together again, for the test to look at.
function userData(pdu) {
  const parsed = pdu.short_message;
  const text = Buffer.isBuffer(parsed.message)
    ? parsed.message
    : smpp.encodings[pdu.data_coding === 8 ? 'UCS2' : 'ASCII'].encode(parsed.message);
  if (!parsed.udh) return text;
  const elements = Buffer.concat(parsed.udh);
  return Buffer.concat([Buffer.from([elements.length]), elements, text]);
}

function report(pdu, messageId) {
  const odd = pdu.destination_addr === ODD_RECEIPT;
  const receipt = {
    source_addr_ton: pdu.dest_addr_ton,
    source_addr_npi: pdu.dest_addr_npi,
    source_addr: pdu.destination_addr,
    destination_addr: pdu.source_addr,
    esm_class: 4,
    short_message:
      `id:${messageId} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 ` +
      `stat:DELIVRD err:${odd ? '00B' : '000'} text:`,
  };
  if (!odd) {
    receipt.receipted_message_id = messageId;
    receipt.message_state = MESSAGE_STATE_DELIVERED;
  }
  bound.deliver_sm(receipt, (answer) => say('answered', { to: messageId, status: answer.command_status }));
}

function submit(session, pdu) {
  const destination = pdu.destination_addr;
  if (destination in FAULTS) {
    session.send(pdu.response({ command_status: FAULTS[destination] }));
    return;
  }
  count += 1;
  const messageId = count.toString(16).toUpperCase().padStart(8, '0');
  say('submit', {
    message_id: messageId,
    source: pdu.source_addr,
    source_ton: pdu.source_addr_ton,
    destination,
    esm_class: pdu.esm_class,
    data_coding: pdu.data_coding,
    registered_delivery: pdu.registered_delivery,
    validity: String(pdu.validity_period instanceof Date ? pdu.validity_period.toISOString() : pdu.validity_period),
    user_data: userData(pdu).toString('hex'),
  });
  session.send(pdu.response({ message_id: messageId }));
  if (pdu.registered_delivery & 3) report(pdu, messageId);
}

const pem = process.env.SMSC_TLS && fs.readFileSync(process.env.SMSC_TLS);
const tls = pem ? { key: pem, cert: pem, ca: pem, requestCert: true, rejectUnauthorized: true } : {};

const server = smpp.createServer(tls, (session) => {
  session.on('error', () => {}); // a link that is cut in a test is no news
  session.on('close', () => {
    if (bound === session) bound = null;
  });
  const bind = (pdu) => {
    if (pdu.system_id !== systemId || pdu.password !== password) {
      say('refused', { system_id: pdu.system_id });
      session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }), () => session.close());
      return;
    }
    if (pdu.command !== 'bind_transmitter') bound = session;
    session.send(pdu.response({ system_id: 'node-smpp' }));
    say('bound', { system_id: pdu.system_id, interface_version: pdu.interface_version, command: pdu.command });
  };
  for (const command of ['bind_transceiver', 'bind_receiver', 'bind_transmitter']) session.on(command, bind);
  session.on('submit_sm', (pdu) => submit(session, pdu));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    say('unbound', {});
    session.send(pdu.response(), () => session.close());
  });
});

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const order = JSON.parse(line);
  if (order.command === 'unbind') {
    bound.unbind(() => bound && bound.close());
    return;
  }
  const message = { message: Buffer.from(order.text, 'hex') };
  if (order.udh) message.udh = Buffer.from(order.udh, 'hex');
  bound.deliver_sm(
    {
      source_addr_ton: 1,
      source_addr_npi: 1,
      source_addr: order.source,
      dest_addr_ton: 3,
      destination_addr: order.destination,
      esm_class: order.udh ? 0x40 : 0,
      data_coding: order.data_coding,
      short_message: message,
    },
    (answer) => say('answered', { to: order.id, status: answer.command_status }),
  );
}).on('close', () => process.exit(0));

server.listen(0, '127.0.0.1', () => say('listening', { port: server.address().port }));
