using System.Security.Cryptography;
using EveStorage.NvmeOf;

namespace EveStorage.Tests;

/// <summary>An exchange without a network: both sides, a replay, and every truncation and change of every message.</summary>
public sealed class AuthenticationTests
{
    private static readonly NvmeTcpOptions s_options = new()
    {
        Subsystem = new("nqn.2026-01.org.evestorage:test"),
        Host = new("nqn.2014-08.org.nvmexpress:uuid:11111111-1111-1111-1111-111111111111"),
        HostId = default,
        Secret = Secret(1),
        ControllerSecret = Secret(2),
    };

    [Theory]
    [InlineData(1, 256, "9cd3b7f336872f46c09428d1bbc19877a4d440512cda8d1c1cf0cd6e33698966")]
    [InlineData(2, 384, "0eaf67db3a839156d5013494a5318a772b5697d270d721f37f092efc69ea5a17")]
    [InlineData(3, 512, "4648414224ac881b3d0dc59b466f96d06a558278776807797ecf1f66ff397b3e")]
    [InlineData(4, 768, "227ac9066b3ddd9e193670cda2388fa884f65ba0cf98b742d1fe77a6687c79c7")]
    [InlineData(5, 1024, "770b14efaf6f049929c523113b3fa99a8d11dab1b18af3609590122075d19833")]
    public void Primes_are_those_of_RFC_7919(byte group, int length, string digest)
    {
        byte[] prime = DhGroup.Of((DhChapGroup)group)!.Prime;

        prime.Length.ShouldBe(length);
        Convert.ToHexStringLower(SHA256.HashData(prime)).ShouldBe(digest);
        Convert.ToHexString(prime)[..32].ShouldBe("FFFFFFFFFFFFFFFFADF85458A2BB4A9A");
    }

    [Fact]
    public void Values_that_would_give_the_shared_secret_away_are_none_of_the_group()
    {
        DhGroup group = DhGroup.Of(DhChapGroup.Ffdhe2048)!;
        byte[] one = new byte[256];
        one[^1] = 1;
        byte[] last = [.. group.Prime];
        last[^1]--;
        (System.Numerics.BigInteger exponent, byte[] ours) = group.MakeKey();

        foreach (byte[] value in (byte[][])[new byte[256], one, last, group.Prime, ours[1..], []])
        {
            group.Share(exponent, value).ShouldBeNull();
        }

        group.Share(exponent, ours).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_reply_that_was_heard_before_is_no_proof()
    {
        List<byte[]> heard = [];
        (await RunAsync(Controller(DhChapGroup.Null), heard.Add)).IsDone.ShouldBeTrue();

        ControllerAuthentication again = Controller(DhChapGroup.Null);
        again.Take(heard[0]);
        again.Give().ShouldNotBeNull();
        again.Take(heard[1]);
        again.Give();

        again.IsDone.ShouldBeFalse();
        again.HasFailed.ShouldBeTrue();
    }

    [Fact]
    public async Task A_host_that_sends_our_challenge_back_gets_no_answer_to_it()
    {
        byte[] challenge = [];
        ControllerAuthentication controller = Controller(DhChapGroup.Null);
        await Should.ThrowAsync<StorageException>(() => RunAsync(
            controller,
            message => (message[1] == 2 ? challenge : []).CopyTo(message, 16 + 32),
            message => challenge = message[1] == 1 ? message[16..48] : challenge));

        controller.HasFailed.ShouldBeTrue();
    }

    [Theory]
    [InlineData(DhChapGroup.Null)]
    [InlineData(DhChapGroup.Ffdhe2048)]
    public async Task Whatever_byte_of_a_hosts_messages_is_changed_or_missing_it_proves_nothing_and_nothing_breaks(DhChapGroup group)
    {
        List<byte[]> good = [];
        (await RunAsync(Controller(group), good.Add)).IsDone.ShouldBeTrue();
        good.Count.ShouldBe(3);
        int step = group == DhChapGroup.Null ? 1 : 29;
        for (int which = 0; which < good.Count; which++)
        {
            for (int at = 0; at < good[which].Length; at += step)
            {
                await ShouldEndAsync(group, which, mustFail: which < 2, m => m[..at]);
                await ShouldEndAsync(group, which, mustFail: which == 1 && at is >= 16 and < 48, m =>
                {
                    m[at] ^= 0xFF;
                    return m;
                });
            }
        }
    }

    [Fact]
    public async Task Whatever_byte_of_a_controllers_messages_is_changed_or_missing_the_host_trusts_it_no_more_than_the_bytes_it_checks()
    {
        for (int which = 0; which < 2; which++)
        {
            for (int at = 0; at < 64; at++)
            {
                int number = 0;
                try
                {
                    await RunAsync(Controller(DhChapGroup.Null), null, m => m[at] ^= number++ == which ? (byte)0xFF : (byte)0);
                    (at is 2 or 3 or 7 or (>= 9 and < 16) or >= 48).ShouldBeTrue($"byte {at} of message {which}");   // reserved, or beyond the end
                }
                catch (StorageException)
                {
                    // It was refused, which is what has to be.
                }
            }
        }
    }

    // A changed message may still be a good one where the byte is reserved; then the exchange ends well.
    private static async Task ShouldEndAsync(DhChapGroup group, int which, bool mustFail, Func<byte[], byte[]> change)
    {
        ControllerAuthentication controller = Controller(group);
        int number = 0;
        try
        {
            await RunAsync(controller, null, null, message => number++ == which ? change([.. message]) : message);
        }
        catch (StorageException)
        {
            // The host was told.
        }

        (controller.IsDone && (mustFail || controller.HasFailed)).ShouldBeFalse();
    }

    private static DhChapSecret Secret(byte value) => DhChapSecret.OfKey([.. Enumerable.Repeat(value, 32)], "key");

    private static ControllerAuthentication Controller(DhChapGroup group) => new(new()
    {
        Host = $"{s_options.Host}",
        Subsystem = $"{s_options.Subsystem}",
        HostSecret = Secret(1),
        ControllerSecret = Secret(2),
        Group = group,
    });

    private static async Task<ControllerAuthentication> RunAsync(
        ControllerAuthentication controller, Action<byte[]>? sent = null, Action<byte[]>? received = null, Func<byte[], byte[]>? change = null)
    {
        HostAuthentication host = new(s_options, SendAsync, ReceiveAsync);
        await host.RunAsync();
        return controller;

        Task SendAsync(byte[] message)
        {
            sent?.Invoke(message);
            controller.Take(change?.Invoke(message) ?? message);
            return Task.CompletedTask;
        }

        Task<byte[]> ReceiveAsync()
        {
            byte[] message = new byte[ControllerAuthentication.MaxMessage];
            (controller.Give() ?? throw new StorageException(StorageErrorKind.Corrupt, "test", "nothing is due")).CopyTo(message, 0);
            received?.Invoke(message);
            return Task.FromResult(message);
        }
    }
}
