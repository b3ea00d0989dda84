using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace EveStorage.NvmeOf;

/// <summary>The host's side of one DH-HMAC-CHAP exchange on one queue. It sends and receives by what it is handed.</summary>
internal sealed class HostAuthentication(NvmeTcpOptions options, Func<byte[], Task> sendAsync, Func<Task<byte[]>> receiveAsync)
{
    /// <summary>Proves the host's secret, and has the controller prove its own where we know it.</summary>
    /// <exception cref="StorageException">Either was not proven.</exception>
    internal async Task RunAsync()
    {
        if (options.Secret is null)
        {
            throw Refused($"asks {options.Host} for its key, and none was given");
        }

        ushort transaction = BinaryPrimitives.ReadUInt16LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ushort)));
        await sendAsync(new DhChapNegotiate(transaction, 0, options.Hashes, options.Groups).Write());
        byte[] message = await ReceiveAsync(transaction, DhChapMessageType.Challenge);
        DhChapChallenge challenge = DhChapChallenge.Read(message) ?? throw Broken("sent a challenge that is none");
        if (!options.Hashes.Contains(challenge.Hash) || !options.Groups.Contains(challenge.Group))
        {
            throw Broken("chose a hash or a group that was not offered");
        }

        await AnswerAsync(challenge, new(challenge.Hash, transaction, $"{options.Host}", $"{options.Subsystem}"));
    }

    private async Task AnswerAsync(DhChapChallenge challenge, DhChapProof proof)
    {
        byte[]? shared = null;
        byte[] publicValue = [];
        if (DhGroup.Of(challenge.Group) is DhGroup group)
        {
            (BigInteger exponent, publicValue) = group.MakeKey();
            shared = group.Share(exponent, challenge.PublicValue) ?? throw Broken("sent a value that is none of the group");
        }

        byte[] response = proof.OfHost(options.Secret!, challenge.Value, challenge.Sequence, shared);
        byte[]? ours = options.ControllerSecret is null ? null : RandomNumberGenerator.GetBytes(challenge.Hash.Length());
        uint sequence = ours is null ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(RandomNumberGenerator.GetBytes(sizeof(uint))) | 1;
        await sendAsync(new DhChapReply(proof.Transaction, response, ours, sequence, publicValue).Write());
        DhChapSuccess success = DhChapSuccess.Read(await ReceiveAsync(proof.Transaction, DhChapMessageType.ControllerSuccess), challenge.Hash)
            ?? throw Broken("sent a success that is none");
        if (ours is null)
        {
            return;
        }

        if (success.Response is null || !DhChapProof.Equal(success.Response, proof.OfController(options.ControllerSecret!, ours, sequence, shared)))
        {
            await sendAsync(DhChapMessage.NewFailure(DhChapMessageType.HostFailure, proof.Transaction, DhChapFailure.Failed));
            throw Refused("did not prove the controller's key: it is not the one it says it is, or the keys differ");
        }

        await sendAsync(DhChapMessage.NewHostSuccess(proof.Transaction));
    }

    private async Task<byte[]> ReceiveAsync(ushort transaction, DhChapMessageType wanted)
    {
        byte[] message = await receiveAsync();
        DhChapMessageType type = DhChapMessage.TypeOf(message);
        return type == DhChapMessageType.ControllerFailure ? throw Refused($"refused the key of {options.Host}: {(DhChapFailure)message[7]}")
            : type == wanted && DhChapMessage.TransactionOf(message) == transaction ? message
            : throw Broken($"sent {type} where {wanted} was due");
    }

    private StorageException Refused(string what) => new(StorageErrorKind.Unavailable, options.Subject, what);

    private StorageException Broken(string what) => new(StorageErrorKind.Corrupt, options.Subject, what);
}
