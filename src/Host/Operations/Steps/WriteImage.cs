using System.Globalization;
using EveStorage.Host.Images;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Operations.Steps;

/// <summary>How an image is written.</summary>
/// <param name="Writer">The format's writer; null for the bytes as they are.</param>
/// <param name="Compression">How it is compressed, by the format's own word; null for as the format does by itself.</param>
internal sealed record ImageForm(IImageWriter? Writer, string? Compression);

/// <summary>Writes a volume to an open file or pipe: as a format's writer does; without one its bytes, leaving holes where they are zero.</summary>
internal sealed class WriteImage(string subject, VolumeName name, VolumeAccess volume, SafeFileHandle image, string imageName, ImageForm form, Action<string, string> result) : DataStep
{
    /// <summary>The format that needs no writer.</summary>
    internal const string Raw = "raw";

    private readonly bool _isStream = ExistingFile.IsSink(image, imageName);
    private bool _touched;

    /// <inheritdoc/>
    public override string Title => $"write {imageName} from {subject}";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        await using IBlockSource blocks = await volume.OpenBlocksAsync!(BlockAccess.Read, cancellationToken);
        RequireEmpty(image, imageName);
        _touched = true;
        ByteSize size = blocks.Size;
        Told told = new(done => context.Progress.Report(new(Title, done, size)));
        await using Stream stream = _isStream ? new ImagePipeStream(image, imageName, cancellationToken) : new ImageFileStream(image, imageName);
        if (form.Writer is IImageWriter writer)
        {
            SavedVolume saved = new() { Name = name, Id = context.Request.Id, Taken = context.Time.GetUtcNow(), Blocks = blocks, Compression = form.Compression };
            await writer.WriteAsync(saved, stream, told, cancellationToken);
            await stream.FlushAsync(cancellationToken);
            Tell(size, stream is ImagePipeStream pipe ? pipe.Written : ExistingFile.LengthOf(image, imageName).Bytes);
        }
        else
        {
            RawSave raw = new(blocks, imageName, told);
            await (_isStream ? raw.ToStreamAsync(stream, cancellationToken) : raw.ToFileAsync(image, cancellationToken));
            Tell(size, raw.Written);
        }

        if (!_isStream)
        {
            BlockFile.Flush(image, imageName);
        }

        return StepOutcome.Changed;
    }

    /// <summary>Empties the file, if this step wrote to it: half an image is none. What went through a pipe has gone.</summary>
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (_touched && !_isStream)
        {
            FileCalls.Run(imageName, () => RandomAccess.SetLength(image, 0));
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Refuses a file that holds something, or what can't be written: it would be lost.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: it does. <see cref="StorageErrorKind.NotSupported"/>: it is neither file nor pipe, or only takes what is appended.</exception>
    internal static void RequireEmpty(SafeFileHandle image, string imageName)
    {
        if (ExistingFile.IsSink(image, imageName))
        {
            return;
        }

        if (ExistingFile.LengthOf(image, imageName).Bytes > 0)
        {
            throw new StorageException(StorageErrorKind.Conflict, imageName, "holds something: hand over an empty file");
        }

        if (ExistingFile.Appends(image, imageName))
        {
            throw new StorageException(StorageErrorKind.NotSupported, imageName, "is open to be appended to: hand over a file that is not, or a pipe");
        }

        // Writing nothing asks whether one may write.
        FileCalls.Run(imageName, () => RandomAccess.SetLength(image, 0));
    }

    private void Tell(ByteSize size, long written)
    {
        result("size", size.Bytes.ToString(CultureInfo.InvariantCulture));
        result("written", written.ToString(CultureInfo.InvariantCulture));
    }

    private sealed class Told(Action<ByteSize> tell) : IProgress<ByteSize>
    {
        public void Report(ByteSize value) => tell(value);
    }
}
