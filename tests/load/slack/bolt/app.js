// The two handlers in Bolt for JavaScript, as in its documentation.
'use strict';

const fs = require('node:fs');
const readline = require('node:readline');
const { createRequire } = require('node:module');

// Bolt is installed in another directory, where node does not look for packages by itself.
const { App, HTTPReceiver, LogLevel } = createRequire(process.argv[2])('@slack/bolt');
const setup = JSON.parse(fs.readFileSync(process.argv[3], 'utf8'));

const options = setup.options.map((label) => ({
  lower: label.toLowerCase(),
  option: { text: { type: 'plain_text', text: label, emoji: false }, value: label },
}));
const people = new Map(setup.people.map((person) => [person.account, person]));
const requests = new Map(setup.pending.map((request) => [request.run, { ...request, status: 'pending' }]));
const file = setup.file === null ? null : fs.openSync(setup.file, 'a');

const isLetterOrDigit = /[\p{L}\p{N}]/u;

const beginsWord = (label, word) => {
  for (let at = label.indexOf(word); at >= 0; at = label.indexOf(word, at + 1)) {
    if (at === 0 || !isLetterOrDigit.test(label[at - 1])) return true;
  }
  return false;
};

const matchRank = (label, typed, words) => {
  if (label === typed) return 0;
  if (label.startsWith(typed)) return 1;
  if (words.every((word) => beginsWord(label, word))) return 2;
  if (words.every((word) => label.includes(word))) return 3;
  return null;
};

/** Returns the best hundred options that match the typed text. */
const suggest = (text) => {
  const typed = text.trim().toLowerCase();
  const words = typed.split(/\s+/).filter((word) => word !== '');
  const found = [[], [], [], []];
  for (const { lower, option } of options) {
    const rank = matchRank(lower, typed, words);
    if (rank !== null) found[rank].push(option);
  }
  return found.flat().slice(0, 100);
};

const append = (line) =>
  new Promise((resolve, reject) => {
    fs.write(file, line, (error) => {
      if (error) reject(error);
      else fs.fdatasync(file, (fault) => (fault ? reject(fault) : resolve()));
    });
  });

const receiver = new HTTPReceiver({ signingSecret: setup.signing_secret, logLevel: LogLevel.ERROR });
const app = new App({
  receiver,
  authorize: async () => ({ botToken: 'xoxb-load', botId: 'B0BOT', botUserId: 'U0BOT' }),
  clientOptions: { slackApiUrl: setup.api },
  logLevel: LogLevel.ERROR,
});

app.options('value', async ({ ack, payload }) => {
  await ack({ options: suggest(payload.value) });
});

app.action('approve', async ({ ack, action, body, client }) => {
  const person = people.get(body.user.id);
  const request = requests.get(action.value);
  if (!person || !request || request.status !== 'pending' || request.requester === person.account) {
    await ack({ text: 'This cannot be approved.' });
    return;
  }
  request.status = 'approved';
  request.by = person.email;
  if (file !== null) await append(`${JSON.stringify({ run: request.run, by: request.by, at: action.action_ts })}\n`);
  await ack();
  if (setup.notifies) {
    // As ours: the message and the requester's receipt show the approval, and then that access was granted, of which the requester is told.
    const shown = body.message.blocks.filter((block) => block.type !== 'actions');
    const show = async (text) => {
      const blocks = [...shown, { type: 'context', elements: [{ type: 'mrkdwn', text }] }];
      await client.chat.update({ channel: request.channel, ts: request.ts, text, blocks });
      await client.chat.update({ channel: request.requester, ts: request.ts, text, blocks });
    };
    await show(`Approved by ${person.email}.`);
    await show('Access is granted.');
    await client.chat.postMessage({ channel: request.requester, text: 'You have access.' });
  }
});

app.error(async (error) => {
  process.stderr.write(`bolt-js: ${error}\n`);
});

(async () => {
  const server = await app.start({ port: 0, host: '127.0.0.1' });
  process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`);
  readline.createInterface({ input: process.stdin }).on('close', () => {
    const approved = [...requests.values()].filter((request) => request.status === 'approved').length;
    process.stdout.write(`${JSON.stringify({ approved })}\n`, () => process.exit(0));
  });
})();
