using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace EveStorage.NvmeOf;

/// <summary>What a controller needs to know for an exchange.</summary>
public sealed record ControllerAuthenticationOptions
{
    /// <summary>The host, as it named itself.</summary>
    public required string Host { get; init; }

    /// <summary>The subsystem it wants.</summary>
    public required string Subsystem { get; init; }

    /// <summary>What the host has to prove.</summary>
    public required DhChapSecret HostSecret { get; init; }

    /// <summary>What the controller proves if the host asks for it; null when it can't.</summary>
    public DhChapSecret? ControllerSecret { get; init; }

    /// <summary>The hash; a host that does not offer it is refused, so that nobody talks both into a weaker one.</summary>
    public DhChapHash Hash { get; init; } = DhChapHash.Sha256;

    /// <summary>The group; the same.</summary>
    public DhChapGroup Group { get; init; } = DhChapGroup.Ffdhe2048;
}

/// <summary>
/// The controller's side of one DH-HMAC-CHAP exchange on one queue: a state between messages, whatever carries them. It takes
/// anything a stranger sends and never fails but by <see cref="HasFailed"/>.
/// </summary>
public sealed class ControllerAuthentication(ControllerAuthenticationOptions options)
{
    /// <summary>The most bytes of a message.</summary>
    public const int MaxMessage = DhChapMessage.MaxSize;

    private enum Step
    {
        Negotiate,
        Challenge,
        Reply,
        Success,
        HostSuccess,
        Failure,
        End,
    }

    private readonly DhGroup? _group = DhGroup.Of(options.Group);
    private Step _step;
    private ushort _transaction;
    private BigInteger _exponent;
    private byte[] _challenge = [];
    private uint _sequence;
    private byte[]? _answer;   // to the host's challenge
    private DhChapFailure _why;

    /// <summary>Whether the host has proven its secret, and has no more to say.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Whether it has not, and the connection has to end.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>Why it failed, for a person; without anything secret.</summary>
    public string Failure { get; private set; } = "";

    /// <summary>Whether a message is due from the host, and not from us.</summary>
    public bool Listens => _step is Step.Negotiate or Step.Reply or Step.HostSuccess;

    /// <summary>Takes a message of the host.</summary>
    public void Take(ReadOnlySpan<byte> message)
    {
        if (message.Length is < DhChapMessage.MinSize or > MaxMessage)
        {
            Fail(DhChapFailure.IncorrectPayload, "sent a message that is none");
            return;
        }

        switch (_step, DhChapMessage.TypeOf(message))
        {
            case (Step.Negotiate, DhChapMessageType.Negotiate):
                TakeNegotiate(DhChapNegotiate.Read(message));
                break;
            case (Step.Reply, DhChapMessageType.Reply):
                TakeReply(DhChapReply.Read(message, options.Hash, _group));
                break;
            case (Step.HostSuccess, DhChapMessageType.HostSuccess) when DhChapMessage.TransactionOf(message) == _transaction:
                (_step, IsDone) = (Step.End, true);
                break;
            case (Step.Reply or Step.HostSuccess, DhChapMessageType.HostFailure):
                (_step, HasFailed, Failure) = (Step.End, true, "says that our answer is wrong: the controller keys differ");
                break;
            default:
                Fail(DhChapFailure.IncorrectMessage, "sent a message that was not due");
                break;
        }
    }

    /// <summary>The message for the host; null when none is due.</summary>
    public byte[]? Give()
    {
        switch (_step)
        {
            case Step.Challenge:
                _step = Step.Reply;
                return GiveChallenge();
            case Step.Success:
                // Who asked for no proof of ours has no more to say.
                (_step, IsDone) = _answer is null ? (Step.End, true) : (Step.HostSuccess, false);
                return new DhChapSuccess(_transaction, _answer).Write(options.Hash);
            case Step.Failure:
                (_step, HasFailed) = (Step.End, true);
                return DhChapMessage.NewFailure(DhChapMessageType.ControllerFailure, _transaction, _why);
            default:
                return null;
        }
    }

    private byte[] GiveChallenge()
    {
        _challenge = RandomNumberGenerator.GetBytes(options.Hash.Length());
        do
        {
            _sequence = BinaryPrimitives.ReadUInt32LittleEndian(RandomNumberGenerator.GetBytes(sizeof(uint)));   // 0 says that there is none
        }
        while (_sequence == 0);

        (_exponent, byte[] publicValue) = _group?.MakeKey() ?? (default, []);
        return new DhChapChallenge(_transaction, options.Hash, options.Group, _sequence, _challenge, publicValue).Write();
    }

    private void TakeNegotiate(DhChapNegotiate? offered)
    {
        _transaction = offered?.Transaction ?? 0;
        if (offered is null)
        {
            Fail(DhChapFailure.IncorrectPayload, "sent an offer that is none");
        }
        else if (offered.SecureChannel != 0)
        {
            Fail(DhChapFailure.ConcatenationMismatch, "asks for TLS by its key, which is not here");
        }
        else if (offered.Hashes.Count == 0)
        {
            Fail(DhChapFailure.ProtocolNotUsable, "does not offer DH-HMAC-CHAP");
        }
        else if (!offered.Hashes.Contains(options.Hash))
        {
            Fail(DhChapFailure.HashNotUsable, $"does not offer {options.Hash}");
        }
        else if (!offered.Groups.Contains(options.Group))
        {
            Fail(DhChapFailure.GroupNotUsable, $"does not offer the group {options.Group}");
        }
        else
        {
            _step = Step.Challenge;
        }
    }

    private void TakeReply(DhChapReply? reply)
    {
        byte[]? shared = null;
        if (reply is null || reply.Transaction != _transaction || (_group is not null && (shared = _group.Share(_exponent, reply.PublicValue)) is null))
        {
            Fail(DhChapFailure.IncorrectPayload, "sent an answer that is none");
            return;
        }

        DhChapProof proof = new(options.Hash, _transaction, options.Host, options.Subsystem);
        if (!DhChapProof.Equal(proof.OfHost(options.HostSecret, _challenge, _sequence, shared), reply.Response))
        {
            Fail(DhChapFailure.Failed, "has another key");
            return;
        }

        if (reply.Challenge is byte[] challenge)
        {
            // One that sends our challenge back wants us to answer it for somebody else.
            if (options.ControllerSecret is null || challenge.AsSpan().SequenceEqual(_challenge) || reply.Sequence == 0)
            {
                Fail(DhChapFailure.Failed, options.ControllerSecret is null ? "wants us to prove a controller key, and its export names none" : "sent our own challenge back");
                return;
            }

            _answer = proof.OfController(options.ControllerSecret, challenge, reply.Sequence, shared);
        }

        _step = Step.Success;
    }

    // The host is told by the next message, as the specification has it, and then the connection ends.
    private void Fail(DhChapFailure why, string what) => (_step, _why, Failure) = (Step.Failure, why, what);
}
