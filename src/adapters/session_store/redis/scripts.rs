//! What Redis does in one step. Each of these can be repeated: if the answer is lost on the way, the same question gets the
//! same answer again and changes nothing more. What makes a write recognisable is its ciphertext, which no other write has.
//! In each, the first that is written is what takes up room: a Redis that is full refuses that, and nothing has happened.

use redis::Script;

/// The scripts. Redis knows them by their hash; it is sent the text when it does not.
pub(super) struct Scripts {
    pub(super) insert: Script,
    pub(super) replace: Script,
    pub(super) claim: Script,
    pub(super) prolong: Script,
    pub(super) settle: Script,
    pub(super) release: Script,
    pub(super) revoke: Script,
    pub(super) revoked: Script,
}

impl Default for Scripts {
    fn default() -> Self {
        let [insert, replace, claim, prolong, settle, release, revoke, revoked] =
            [INSERT, REPLACE, CLAIM, PROLONG, SETTLE, RELEASE, REVOKE, REVOKED].map(Script::new);
        Self { insert, replace, claim, prolong, settle, release, revoke, revoked }
    }
}

/// record, lease; version, until, summary, sealed, life
///
/// One that was put there by the same call, sent twice because its answer was lost, is ours.
const INSERT: &str = r"
local sealed = redis.call('HGET', KEYS[1], 'sealed')
if sealed then return sealed == ARGV[4] and 'done' or 'taken' end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'until', ARGV[2], 'summary', ARGV[3], 'sealed', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('HDEL', KEYS[1], 'claim')
redis.call('DEL', KEYS[2])
return 'done'
";

/// record; known, version, until, summary, sealed, life
const REPLACE: &str = r"
local version, sealed = unpack(redis.call('HMGET', KEYS[1], 'version', 'sealed'))
if not version then return 'gone' end
if version ~= ARGV[1] then return sealed == ARGV[5] and 'done' or 'outdated' end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'until', ARGV[3], 'summary', ARGV[4], 'sealed', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 'done'
";

/// record, lease; holder, span
///
/// `claim` in the record outlives the lease: it is the holder, with a `+` if there was an abandoned claim before, or a `+`
/// alone if that one gave the record back.
const CLAIM: &str = r"
if redis.call('EXISTS', KEYS[1]) == 0 then return 'gone' end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return 'taken' end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
local before = redis.call('HGET', KEYS[1], 'claim')
if before == ARGV[1] then return 'settled' end
if not before then
  redis.call('HSET', KEYS[1], 'claim', ARGV[1])
  return 'settled'
end
redis.call('HSET', KEYS[1], 'claim', ARGV[1] .. '+')
return 'abandoned'
";

/// lease; holder, span
const PROLONG: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
";

/// record, lease; holder, known, version, until, summary, sealed, life
///
/// Whoever had the claim last has it still, though the lease ran out. The version goes above any that was written meanwhile.
const SETTLE: &str = r"
local version, sealed, claim = unpack(redis.call('HMGET', KEYS[1], 'version', 'sealed', 'claim'))
if not version then return 'gone' end
if sealed == ARGV[6] then return 'done' end
local ours = claim == ARGV[1] or claim == ARGV[1] .. '+'
if not ours and version ~= ARGV[2] then return 'outdated' end
local above = ARGV[3]
if tonumber(version) >= tonumber(above) then above = string.format('%.0f', tonumber(version) + 1) end
redis.call('HSET', KEYS[1], 'version', above, 'until', ARGV[4], 'summary', ARGV[5], 'sealed', ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[7])
if ours then
  redis.call('HDEL', KEYS[1], 'claim')
  redis.call('DEL', KEYS[2])
end
return 'done'
";

/// record, lease; holder
const RELEASE: &str = r"
local claim = redis.call('HGET', KEYS[1], 'claim')
if claim == ARGV[1] then
  redis.call('HDEL', KEYS[1], 'claim')
elseif claim == ARGV[1] .. '+' then
  redis.call('HSET', KEYS[1], 'claim', '+')
end
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 'done'
";

/// list, version, list by version; entry, until, now, most
///
/// The version is a time, in milliseconds, as long as nothing pushes it ahead: so it goes up even if Redis has lost it. Entries
/// are dropped an hour late, for clocks that differ.
const REVOKE: &str = r"
local forgotten = ARGV[3] - 3600
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not known and redis.call('ZCOUNT', KEYS[1], forgotten, '+inf') >= tonumber(ARGV[4]) then return false end
local version = tonumber(redis.call('GET', KEYS[2]) or 0)
if known and tonumber(known) >= tonumber(ARGV[2]) then return string.format('%.0f', version) end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.0f', forgotten), 'LIMIT', 0, 1000)
if #old > 0 then
  redis.call('ZREM', KEYS[1], unpack(old))
  redis.call('ZREM', KEYS[3], unpack(old))
end
local time = redis.call('TIME')
version = string.format('%.0f', math.max(version + 1, time[1] * 1000 + math.floor(time[2] / 1000)))
redis.call('ZADD', KEYS[3], version, ARGV[1])
redis.call('SET', KEYS[2], version)
local last = string.format('%.0f', redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2] + 3600)
redis.call('EXPIREAT', KEYS[1], last)
redis.call('EXPIREAT', KEYS[3], last)
return version
";

/// list, list by version; after, now, most
///
/// How many were looked at, how far that was, and those of them that are in force.
const REVOKED: &str = r"
local page = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
local found = {}
for at = 1, #page, 2 do
  local last = redis.call('ZSCORE', KEYS[1], page[at])
  if last and tonumber(last) > tonumber(ARGV[2]) then found[#found + 1] = page[at] end
end
return {#page / 2, string.format('%.0f', page[#page] or ARGV[1]), found}
";
