using EveStorage.Linux;

namespace EveStorage.NvmetUser;

/// <summary>What a connection received and has not handled. Commands may keep data in place until they are done with it.</summary>
internal sealed class PduInput(PageBuffer buffer)
{
    private int _start;
    private int _end;
    private int _held;

    /// <summary>Its memory.</summary>
    internal PageBuffer Buffer { get; private set; } = buffer;

    /// <summary>What is there.</summary>
    internal ReadOnlyMemory<byte> Available => Buffer.Memory[_start.._end];

    /// <summary>Whether more can be received.</summary>
    internal bool HasRoom => _end < Buffer.Memory.Length || (_held == 0 && _start > 0);

    /// <summary>Receives what is there: see <see cref="PolledSocket.Receive"/>.</summary>
    internal int Receive(PolledSocket socket)
    {
        if (_held == 0 && (_start == _end || Buffer.Memory.Length - _end < Limits.AdminBuffer))
        {
            Available.CopyTo(Buffer.Memory);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == Buffer.Memory.Length)
        {
            return PolledSocket.Again;
        }

        int received = socket.Receive(Buffer.Memory.Span[_end..]);
        _end += Math.Max(received, 0);
        return received;
    }

    /// <summary>Takes <paramref name="count"/> bytes away. Who holds them may still read them.</summary>
    internal void Skip(int count) => _start += count;

    /// <summary>Keeps all that is there in its place.</summary>
    internal void Hold() => _held++;

    /// <summary>The opposite of <see cref="Hold"/>.</summary>
    internal void Release() => _held--;

    /// <summary>Moves to a larger buffer, and returns the one before.</summary>
    internal PageBuffer Move(PageBuffer larger)
    {
        PageBuffer before = Buffer;
        Available.CopyTo(larger.Memory);
        (_start, _end, Buffer) = (0, _end - _start, larger);
        return before;
    }
}
