using System.Text;
using System.Text.Json;

namespace EveStorage.Host.Worker;

/// <summary>What a worker says, a message a line. It is parsed as hostile: a line that is none, or too long, ends it.</summary>
internal sealed class WorkerOutput(Stream output)
{
    private const int MaxLine = 64 << 10;

    private readonly byte[] _buffer = new byte[MaxLine];
    private int _length;

    /// <summary>The next message; null when there is none any more.</summary>
    /// <exception cref="IOException">It can't be read.</exception>
    internal async Task<WorkerMessage?> NextAsync()
    {
        while (true)
        {
            if (_buffer.AsSpan(0, _length).IndexOf((byte)'\n') is int end and >= 0)
            {
                WorkerMessage? message = Parse(_buffer.AsMemory(0, end));
                _buffer.AsSpan(end + 1, _length - end - 1).CopyTo(_buffer);
                _length -= end + 1;
                return message;
            }

            if (_length == MaxLine || await output.ReadAsync(_buffer.AsMemory(_length)) is not (int read and > 0))
            {
                return null;
            }

            _length += read;
        }
    }

    /// <summary>The end of what a worker complains of; the rest is read and dropped, so that it never waits for a reader.</summary>
    internal static async Task<string> ReadTailAsync(Stream error)
    {
        const int Kept = 512;
        byte[] buffer = new byte[4 << 10];
        string tail = "";
        while (await error.ReadAsync(buffer) is int read and > 0)
        {
            string text = tail + Encoding.UTF8.GetString(buffer, 0, read);
            tail = text[Math.Max(0, text.Length - Kept)..];
        }

        return tail.Trim().ReplaceLineEndings(" ");
    }

    private static WorkerMessage? Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            return WorkerJson.ReadMessage(line);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
