"""What goes over the cable.

    dialects         what differs between the robots, as the exchange sees it
    exchange         which answer belongs to which request
    f3               the frames of an mBot2
    ff55             the frames of an mBot
    literals         values as robots write them: JSON and Python literals
    stream_decoder   finds frames in a stream of bytes

Pure: no port, no thread, no clock.
"""
