// Loaded with `node --require` before a server that knows no option for its address: whatever asks for a port gets it on loopback.
'use strict';

const net = require('net');

const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (...args) {
  const callback = args.filter((arg) => typeof arg === 'function');
  const options = typeof args[0] === 'object' && args[0] !== null ? args[0] : { port: Number(args[0]) };
  return listen.call(this, { ...options, host: '127.0.0.1' }, ...callback);
};
