#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A thousand random set requests over the management socket, good ones and bad ones, and after each get shows what a model of the protocol
# says. The model proves itself first, with the good ones, against wireguard-go.

. "$(dirname "$0")/_init.sh"
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
ns a b

ip netns exec a wireguard-go -f oracle </dev/null >oracle.log 2>&1 &
wait_for "listens a oracle"
python3 "$here/set_model.py" /run/wireguard/oracle.sock "$seed" 300 || fail "the model is not what wireguard-go does: SEED=$seed"

ip netns exec b "$WGDP" -f subject </dev/null >subject.log 2>&1 &
pid[subject]=$! log[subject]=subject.log where[subject]=b kind[subject]=wgdp
wait_for "[ -S /run/wireguard/subject.sock ]"
python3 "$here/set_model.py" /run/wireguard/subject.sock "$seed" 1000 strict || fail "not the model's state: SEED=$seed"

# Two clients at once: a request is applied whole, so that each one's peers are all there or all gone.
cat >clients.py <<'PY'
import socket, sys, threading
path, rounds = sys.argv[1], 300
def ask(s, text):
    s.sendall(text.encode())
    answer = b''
    while not answer.endswith(b'\n\n'):
        piece = s.recv(1 << 16)
        assert piece, 'closed'
        answer += piece
    return answer.decode()
def key(who, n): return bytes([who, n] + [9] * 30).hex()
def client(who, failed):
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            for r in range(rounds):
                keys = [key(who, n) for n in range(20)]
                if r % 2:
                    text = ''.join(f'public_key={k}\nremove=true\n' for k in keys)
                else:
                    text = ''.join(f'public_key={k}\nallowed_ip=10.{who}.{n}.0/24\n' for n, k in enumerate(keys))
                assert 'errno=0' in ask(s, 'set=1\n' + text + '\n')
                state = ask(s, 'get=1\n\n')
                for w in (1, 2):
                    there = sum(f'public_key={key(w, n)}\n' in state for n in range(20))
                    assert there in (0, 20), f'{there} of 20 peers of client {w}'
                    assert w != who or there == (0 if r % 2 else 20)
                    assert there == sum(f'allowed_ip=10.{w}.{n}.0/24\n' in state for n in range(20))
    except Exception as e:
        failed.append(f'client {who}: {e!r}')
failed = []
threads = [threading.Thread(target=client, args=(w, failed)) for w in (1, 2)]
for t in threads: t.start()
for t in threads: t.join()
sys.exit('\n'.join(failed) or 0)
PY
python3 clients.py /run/wireguard/subject.sock || fail "two clients at once"
