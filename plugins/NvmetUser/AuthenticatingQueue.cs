using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>
/// A queue whose host has yet to prove its key: it takes the messages of that and nothing else, for as long as a handshake may
/// take. Then it becomes what it is. NVMe base specification 2.0, "Authentication Send command" and "Authentication Receive command".
/// </summary>
internal sealed class AuthenticatingQueue(QueueConnection connection, Target target, Controller controller, CommandQueue proven, ControllerAuthentication exchange) : CommandQueue
{
    internal override TimeSpan? Silence => TimeSpan.FromSeconds(target.Options.HandshakeSeconds);

    internal override void Execute(SubmissionEntry entry, ReadOnlyMemory<byte> data)
    {
        FabricsType? type = entry.Opcode == (byte)AdminOpcode.Fabrics ? entry.FabricsType : null;
        switch (type)
        {
            case FabricsType.AuthenticationSend:
                connection.Respond(entry.CommandId, Send(entry, data));
                break;
            case FabricsType.AuthenticationReceive:
                Receive(entry);
                break;
            case FabricsType.Connect:
                connection.Respond(entry.CommandId, NvmeStatus.CommandSequenceError);
                break;
            default:
                connection.Respond(entry.CommandId, NvmeStatus.AuthenticationRequired);
                break;
        }

        if (exchange.IsDone)
        {
            connection.NoteCommand();
            connection.Become(proven);
            target.NoteProven(controller, connection);
        }
        else if (exchange.HasFailed)
        {
            connection.Stop();
        }
    }

    // A controller that is never proven goes with its queue.
    internal override void End()
    {
        string why = exchange.Failure.Length > 0 ? exchange.Failure : "left before it had proven its key";
        target.NoteRefused(controller, connection, why);
        proven.End();
    }

    private NvmeStatus Send(SubmissionEntry entry, ReadOnlyMemory<byte> data)
    {
        NvmeStatus status = entry.Dword10 != NvmeCommand.AuthenticationProtocol ? NvmeStatus.InvalidField
            : entry.Sgl.Identifier != Sgl.InCapsule ? NvmeStatus.SglTypeInvalid
            : entry.Sgl.Address != 0 ? NvmeStatus.SglOffsetInvalid
            : entry.Dword11 != data.Length || entry.Sgl.Length != data.Length ? NvmeStatus.DataLengthInvalid
            : NvmeStatus.Success;
        if (status.IsSuccess)
        {
            exchange.Take(data.Span);
        }

        return status;
    }

    private void Receive(SubmissionEntry entry)
    {
        int length = (int)Math.Min(entry.Dword11, ControllerAuthentication.MaxMessage + 1);
        NvmeStatus status = entry.Dword10 != NvmeCommand.AuthenticationProtocol || length > ControllerAuthentication.MaxMessage ? NvmeStatus.InvalidField
            : entry.Sgl.Identifier != Sgl.ByTransport ? NvmeStatus.SglTypeInvalid
            : entry.Sgl.Length != length ? NvmeStatus.DataLengthInvalid
            : NvmeStatus.Success;
        byte[]? message = status.IsSuccess ? exchange.Give() : null;
        if (message is null || message.Length > length)
        {
            connection.Respond(entry.CommandId, !status.IsSuccess ? status : message is null ? NvmeStatus.CommandSequenceError : NvmeStatus.InvalidField);
            return;
        }

        Array.Resize(ref message, length);   // the rest is zeros
        connection.Respond(entry.CommandId, message);
    }
}
